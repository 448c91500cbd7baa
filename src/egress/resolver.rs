//! Resolves host names. Returns only addresses that were checked, so that the connection is made to one of them.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::destination_rules::{Rules, Scheme};
use super::failure::{NotAllowed, Unresolved};

/// Maximum number of concurrent lookups per scheme. The system's lookup can't be cancelled, and a hanging name server must not
/// block every thread of the process.
const MAX_LOOKUPS: usize = 64;

/// Resolves the host names of URLs of one scheme.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    rules: Rules,
    scheme: Scheme,
    permits: Arc<Semaphore>,
}

impl Resolver {
    pub(super) fn new(rules: Rules, scheme: Scheme) -> Self {
        Self {
            rules,
            scheme,
            permits: Arc::new(Semaphore::new(MAX_LOOKUPS)),
        }
    }

    async fn resolve_allowed(
        self,
        host: String,
    ) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let permit = self.permits.acquire_owned().await?;
        let looked_up = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            look_up(&host)
        });
        let addresses = looked_up
            .await?
            .map_err(|error| Unresolved(error.to_string()))?;
        let allowed = self.rules.allowed_addresses(&addresses, self.scheme);
        Ok(allowed.map_err(NotAllowed)?)
    }
}

fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    let addresses = (host, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip()).collect())
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let allowed = resolver.resolve_allowed(name.as_str().to_owned()).await?;
            // Port 0 stands for the port of the URL.
            let addresses = allowed
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
