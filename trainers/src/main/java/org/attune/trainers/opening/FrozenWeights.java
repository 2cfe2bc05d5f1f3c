package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.model.layer.BlockPresence;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.ranks.Collective;
import org.attune.ranks.FrozenParts;
import org.attune.ranks.ServingCollective;
import org.attune.ranks.SharedPages;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.IdlePages;
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
    private final List<FrozenParts> parts = new ArrayList<>();

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

    /// Cuts blocks' weights over the ranks, when they are what they will be: each rank keeps its
    /// part, and has a block's weights while it computes the block. All ranks make this call.
    ///
    /// @param policy of the run
    void cut(Policy policy) {
        if (ranks.size() == 1) {
            return;
        }
        ServingCollective serving = serving(policy.decoder().device());
        long bytes = policy.cutWeights(serving);
        List<Decoder> all = new ArrayList<>(others);
        all.addFirst(policy.decoder());
        for (Decoder decoder : all) {
            if (!decoder.presence().varies() && !decoder.changes()) {
                bytes += cut(decoder, serving);
            }
        }
        Engine.giveBackFreedMemory();
        if (bytes > 0) {
            LOG.info(
                    "{} MiB of weights are cut over {} ranks",
                    String.format(Locale.ROOT, "%.0f", bytes / MIB),
                    ranks.size());
        }
    }

    private ServingCollective serving(Device device) {
        if (device.isGpu() || !IdlePages.areSupported()) {
            throw ConfigException.about(
                    "zero_stage",
                    "0 to 2 here: with 3 weights leave memory by pages of a processor's memory"
                            + " under Linux, which GPUs and other systems don't offer");
        }
        if (ranks instanceof ServingCollective all) {
            return all;
        }
        throw new IllegalStateException("ranks that give each other no weights");
    }

    private long cut(Decoder decoder, ServingCollective serving) {
        var cut =
                new FrozenParts(
                        serving.carrier(), decoder.takeBlockMemory(), block -> "block " + block);
        serving.add(cut);
        parts.add(cut);
        decoder.presence().moveTo(new CutBlocks(serving, cut));
        return cut.bytes();
    }

    /// Says that no rank needs weights of others any more. All ranks make this call.
    void end() {
        if (ranks instanceof ServingCollective serving) {
            serving.end();
            parts.forEach(FrozenParts::close);
            parts.clear();
        }
    }

    /// Weights of blocks that other ranks have parts of.
    private record CutBlocks(ServingCollective ranks, FrozenParts parts)
            implements BlockPresence.Source {
        @Override
        public void fetch(int block) {
            ranks.need(parts, block);
        }

        @Override
        public void release(int block) {
            parts.leave(block);
        }

        @Override
        public void close() {
            parts.giveBackMemory();
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
