package org.attune.trainers.opening;

import org.attune.model.layer.Decoder;
import org.attune.ranks.Collective;
import org.attune.ranks.SharedPages;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.Engine;
import org.attune.tensor.OwnPages;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Supplier;

/// Weights of a run's models that nobody trains, once in the memory of a machine however many of
/// the run's processes it has.
final class FrozenWeights {
    private static final Logger LOG = LoggerFactory.getLogger(FrozenWeights.class);
    private static final double MIB = 1L << 20;

    private final Collective ranks;
    private final List<Decoder> others = new ArrayList<>();

    /// @param ranks processes of the run
    FrozenWeights(Collective ranks) {
        this.ranks = ranks;
    }

    static FrozenWeights ofOneProcess() {
        return new FrozenWeights(new SingleProcess());
    }

    /// While weights are loaded and copied.
    interface Opening extends AutoCloseable {
        @Override
        void close();
    }

    /// Gives weights separate pages until the result is closed, where there are several
    /// processes: shared pages take their places, and what only loading needs goes.
    Opening opening() {
        if (ranks.size() == 1) {
            return () -> {};
        }
        OwnPages.useForWeights(true);
        return () -> OwnPages.useForWeights(false);
    }

    /// Loads a model beside the policy, which [#share] will share too.
    <T> T load(Supplier<T> load, Function<T, Decoder> weights) {
        try (var _ = opening()) {
            T loaded = load.get();
            others.add(weights.apply(loaded));
            return loaded;
        }
    }

    /// Shares weights, when they are what they will be. All ranks make this call.
    ///
    /// @param policy of the run
    void share(Decoder policy) {
        if (ranks.size() == 1) {
            return;
        }
        List<MemorySegment> frozen = new ArrayList<>(policy.frozenMemory());
        others.forEach(other -> frozen.addAll(other.frozenMemory()));
        SharedPages.Outcome outcome = SharedPages.share(ranks, frozen);
        Engine.giveBackFreedMemory();
        if (!outcome.why().isEmpty()) {
            LOG.warn(
                    "{} has frozen weights for itself, which takes memory but changes nothing"
                            + " else: {}",
                    ranks.where(ranks.rank()),
                    outcome.why());
        } else if (outcome.bytes() > 0) {
            LOG.info(
                    "{} MiB of frozen weights are in memory once for {} ranks",
                    String.format(Locale.ROOT, "%.0f", outcome.bytes() / MIB),
                    outcome.sharers());
        }
    }
}
