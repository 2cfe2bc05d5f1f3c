package org.attune.model.decode;

import org.attune.error.StopRequest;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DeviceGraph;
import org.attune.tensor.Tensor;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Steps of decoding over one [KvCache] on a GPU, recorded as graphs: one for each decoder, adapter
/// and [padded][#padded] number of sequences. The second token of a kind is the one that records.
/// Without graphs, and where recording fails, the same launches are made one by one. Owns the
/// graphs and their memory. They read the weights where they stand when they are recorded.
final class DecodeGraphs implements AutoCloseable {
    private static final Logger LOG = System.getLogger(DecodeGraphs.class.getName());

    /// Numbers of sequences from which on they are padded to a multiple of it.
    private static final int STEP = 8;

    /// What the log was told, of any cache.
    private static final Set<String> TOLD = new HashSet<>();

    private final KvCache cache;
    private final long worth;
    private final Map<Decoder, DecodeMemory> memories = new HashMap<>();
    private final Map<Kind, Recorded> steps = new HashMap<>();

    /// @param rows padded
    private record Kind(Decoder decoder, Adapter adapter, int rows) {}

    /// A step and its graph.
    private static final class Recorded implements AutoCloseable {
        private final DecodeStep step;
        private Optional<DeviceGraph> graph = Optional.empty();
        private boolean mayRecord = true;
        private boolean begun;

        Recorded(DecodeStep step) {
            this.step = step;
        }

        void run(Decoder decoder) {
            if (begun && mayRecord && DeviceGraph.isOn()) {
                mayRecord = false; // if it fails it would fail again
                try {
                    graph = Optional.of(DeviceGraph.record(decoder.device(), step::run));
                } catch (DeviceGraph.Refused e) {
                    LOG.log(Level.WARNING, "tokens are decoded without a graph", e);
                }
            }
            begun = true;
            graph.ifPresentOrElse(DeviceGraph::launch, step::run);
        }

        @Override
        public void close() {
            graph.ifPresent(DeviceGraph::close);
            step.close();
        }
    }

    /// @param cache whose steps they are
    DecodeGraphs(KvCache cache) {
        this(cache, FlashCache.WORTH);
    }

    /// @param worth as [FlashCache] takes it
    DecodeGraphs(KvCache cache, long worth) {
        this.cache = cache;
        this.worth = worth;
    }

    /// Rows of a step for so many sequences: 1, 2, 4, then multiples of 8.
    static int padded(int sequences) {
        return sequences < STEP
                ? Integer.highestOneBit(2 * sequences - 1)
                : (sequences + STEP - 1) / STEP * STEP;
    }

    /// Logits after one more token each.
    ///
    /// @param additions one token each, of different slots
    /// @return `(B, V)` in the current scope, valid until the next token over the cache is read;
    ///     empty where others compute it
    Optional<Tensor> logits(Decoder decoder, Adapter adapter, List<NewTokens> additions) {
        if (!decoder.device().isGpu()) {
            return Optional.empty();
        }
        int[] slots = additions.stream().mapToInt(NewTokens::slot).toArray();
        var kind = new Kind(decoder, adapter, padded(slots.length));
        Optional<String> obstacle = obstacle(kind, slots);
        if (obstacle.isPresent()) {
            if (TOLD.add(obstacle.get())) {
                LOG.log(Level.INFO, "tokens are decoded without a graph: {0}", obstacle.get());
            }
            return Optional.empty();
        }
        StopRequest.check();
        Recorded recorded = steps.computeIfAbsent(kind, this::recorded);
        recorded.step.put(slots, additions.stream().mapToInt(a -> a.ids()[0]).toArray());
        recorded.run(decoder);
        return Optional.of(recorded.step.logits(slots.length));
    }

    private Optional<String> obstacle(Kind kind, int[] slots) {
        if (FlashCache.shares(kind.decoder(), cache, slots, worth)) {
            return Optional.of("sequences share beginnings that are worth reading once");
        }
        return steps.containsKey(kind)
                ? Optional.empty()
                : DecodeStep.obstacle(kind.decoder(), kind.adapter());
    }

    private Recorded recorded(Kind kind) {
        DecodeMemory memory =
                memories.computeIfAbsent(
                        kind.decoder(),
                        decoder ->
                                new DecodeMemory(decoder, padded(cache.slots()), cache.places()));
        return new Recorded(
                new DecodeStep(kind.decoder(), kind.adapter(), cache, memory, kind.rows()));
    }

    @Override
    public void close() {
        steps.values().forEach(Recorded::close);
        steps.clear();
        memories.values().forEach(DecodeMemory::close);
        memories.clear();
    }
}
