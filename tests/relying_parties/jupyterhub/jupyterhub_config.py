"""JupyterHub on one machine, without notebooks. The settings that Doorward prints come after these."""

import os

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['PORT']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{os.environ['HUB_PORT']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['PROXY_PORT']}"
c.ConfigurableHTTPProxy.command = ["node", os.environ["PROXY"]]
c.JupyterHub.spawner_class = "simple"
# Keeps the tokens, encrypted under JUPYTERHUB_CRYPT_KEY, and uses them again once they are a second old.
c.Authenticator.enable_auth_state = True
c.Authenticator.auth_refresh_age = 1
c.JupyterHub.services = [{"name": "tests", "api_token": os.environ["API_TOKEN"]}]
c.JupyterHub.load_roles = [{"name": "tests", "services": ["tests"], "scopes": ["read:users", "admin:auth_state"]}]
