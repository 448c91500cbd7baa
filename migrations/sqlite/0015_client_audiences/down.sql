drop table client_audiences;
