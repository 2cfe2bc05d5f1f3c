package org.attune.cli.serve;

import org.attune.model.layer.Adapter;
import org.attune.policy.FrozenAdapter;
import org.attune.tensor.Engine;

import java.util.Optional;

/// Weights that clients sample from: the model alone, or an adapter as it was at a time. Closed
/// ones stay as long as requests use them. Thread-safe.
final class TinkerSampler implements AutoCloseable {
    private final String id;
    private final String session;
    private final Optional<String> path;
    private final Optional<FrozenAdapter> weights;
    private final Optional<String> run;
    private int holders;
    private boolean isClosed;

    /// @param path of the checkpoint that it was read from
    /// @param weights closed with it; empty: the model alone
    /// @param run whose weights it has a copy of
    TinkerSampler(
            String id,
            String session,
            Optional<String> path,
            Optional<FrozenAdapter> weights,
            Optional<String> run) {
        this.id = id;
        this.session = session;
        this.path = path;
        this.weights = weights;
        this.run = run;
    }

    String id() {
        return id;
    }

    String session() {
        return session;
    }

    Optional<String> path() {
        return path;
    }

    /// Whether these weights were copied from a training's, in memory.
    boolean isCopyOf(String other) {
        return run.filter(other::equals).isPresent();
    }

    boolean hasWeights() {
        return weights.isPresent();
    }

    Adapter adapter() {
        return weights.map(FrozenAdapter::name).orElse(Adapter.OFF);
    }

    /// Keeps it open for a request.
    ///
    /// @return not if it was closed
    synchronized boolean hold() {
        if (!isClosed) {
            holders++;
        }
        return !isClosed;
    }

    /// A request needs it no more.
    synchronized void release() {
        holders--;
        freeIfUnused();
    }

    @Override
    public synchronized void close() {
        if (!isClosed) {
            isClosed = true;
            freeIfUnused();
        }
    }

    private void freeIfUnused() {
        if (isClosed && holders == 0) {
            weights.ifPresent(w -> Engine.run(w::close));
        }
    }
}
