package org.attune.trainers.opening;

import org.attune.model.layer.Decoder;
import org.attune.ranks.Collective;
import org.attune.ranks.SharedPages;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.Engine;
import org.attune.tensor.OwnPages;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Locale;

/// Weights of a run's models that nobody trains, once in the memory of a machine however many of
/// the run's processes it has.
///
/// @param ranks processes of the run
record FrozenWeights(Collective ranks) {
    private static final Logger LOG = LoggerFactory.getLogger(FrozenWeights.class);
    private static final double MIB = 1L << 20;

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
        OwnPages.useForSmaller();
        return () -> OwnPages.use(false);
    }

    /// Shares a model's weights, when they are what they will be. All ranks make this call.
    void share(Decoder decoder) {
        if (ranks.size() == 1) {
            return;
        }
        SharedPages.Outcome outcome = SharedPages.share(ranks, decoder.frozenMemory());
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
