package org.attune.rollout.source;

import org.attune.error.RolloutException;
import org.attune.error.ServerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Optional;

/// Servers that complete prompts together, some of which may be gone for a while.
final class ServerPool {
    private static final Logger LOG = LoggerFactory.getLogger(ServerPool.class);

    private final List<CompletionServer> servers;
    private final boolean[] gone;
    private Optional<ServedWeights> adapter = Optional.empty();

    /// @param servers at least one
    ServerPool(List<CompletionServer> servers) {
        this.servers = List.copyOf(servers);
        gone = new boolean[servers.size()];
    }

    int size() {
        return servers.size();
    }

    CompletionServer at(int server) {
        return servers.get(server);
    }

    /// What completions are asked of; empty: the servers' own weights.
    synchronized Optional<ServedWeights> adapter() {
        return adapter;
    }

    /// Asks the servers that were gone whether they are back.
    synchronized void lookForThoseGone() throws InterruptedException {
        for (int server = 0; server < gone.length; server++) {
            if (gone[server] && servers.get(server).isThere()) {
                gone[server] = false;
                LOG.info("{} is back", servers.get(server));
            }
        }
    }

    /// Has all servers load an adapter and forget the one before.
    ///
    /// @throws RolloutException if a server refuses it, or none is left
    synchronized void load(ServedWeights next) throws InterruptedException {
        for (int server = 0; server < gone.length; server++) {
            if (gone[server]) {
                continue;
            }
            try {
                servers.get(server).load(next);
                if (adapter.isPresent() && !adapter.get().equals(next)) {
                    servers.get(server).unload(adapter.get());
                }
            } catch (ServerException e) {
                lost(server, e);
            }
        }
        adapter = Optional.of(next);
    }

    /// Has servers forget the adapter.
    synchronized void unload() throws InterruptedException {
        for (int server = 0; adapter.isPresent() && server < gone.length; server++) {
            if (!gone[server]) {
                servers.get(server).unload(adapter.get());
            }
        }
        adapter = Optional.empty();
    }

    /// Tells for each server whether it is there.
    synchronized boolean[] there() {
        boolean[] there = new boolean[gone.length];
        for (int server = 0; server < gone.length; server++) {
            there[server] = !gone[server];
        }
        return there;
    }

    /// A server failed at its last attempt.
    ///
    /// @throws RolloutException if it refused what it was asked, or no other is left
    synchronized void lost(int server, ServerException e) {
        boolean others = false;
        for (int other = 0; other < gone.length; other++) {
            others |= other != server && !gone[other];
        }
        if (e.refusal() != 0 || !others) {
            throw CompletionServer.failure(e);
        }
        if (!gone[server]) {
            LOG.warn(
                    "{}; the other servers complete its prompts, and it is looked for before the"
                            + " next round",
                    e.getMessage());
        }
        gone[server] = true;
    }
}
