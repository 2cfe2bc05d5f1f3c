package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.LoraConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.BlockPresence;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Blocks whose weights are there only while something needs them: all passes have the bits that
/// they have with weights that stay.
class BlockPresenceTest {
    private static final DecoderConfig CONFIG = TinyModels.smol(3, 200);
    private static final byte WRONG = (byte) 0xff; // no number

    /// Keeps weights elsewhere, and leaves wrong ones behind.
    private static final class Kept implements BlockPresence.Source {
        private final List<List<MemorySegment>> memory;
        private final List<List<byte[]>> kept = new ArrayList<>();
        private final boolean[] there;
        private int fetches;
        private int most;

        Kept(Decoder decoder) {
            memory = decoder.takeBlockMemory();
            there = new boolean[memory.size()];
            for (List<MemorySegment> block : memory) {
                kept.add(block.stream().map(m -> m.toArray(ValueLayout.JAVA_BYTE)).toList());
            }
        }

        @Override
        public void fetch(int block) {
            for (int i = 0; i < memory.get(block).size(); i++) {
                memory.get(block).get(i).copyFrom(MemorySegment.ofArray(kept.get(block).get(i)));
            }
            there[block] = true;
            fetches++;
            int now = 0;
            for (boolean one : there) {
                now += one ? 1 : 0;
            }
            most = Math.max(most, now);
        }

        @Override
        public void release(int block) {
            memory.get(block).forEach(m -> m.fill(WRONG));
            there[block] = false;
        }

        @Override
        public void close() {}
    }

    /// What passes give, in the order in which training has them.
    private static List<float[]> numbers(Policy policy) {
        List<float[]> all = new ArrayList<>();
        Tree.Piece piece = Adapted.piece(CONFIG, 12);
        Scorer before = policy.frozenAdapter();
        for (int step = 0; step < 2; step++) {
            policy.startStep(step);
            Outcome outcome = Outcome.of(policy, List.of(piece));
            all.add(outcome.values());
            all.add(outcome.gradients());
            all.add(Outcome.logProbs(policy.adapterOff(), piece.forest()));
            all.add(Outcome.logProbs(before, piece.forest()));
            all.add(logits(policy));
            Adapted.shift(policy);
        }
        for (var source : policy.weights(DType.FLOAT32)) {
            try (Arena arena = Arena.ofConfined()) {
                all.add(source.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT));
            }
        }
        return all;
    }

    /// Of a prompt and of two tokens after it.
    private static float[] logits(Policy policy) {
        var reader = new CachedDecoder(policy.decoder(), Adapter.TRAINED);
        try (KvCache cache = reader.newCache(1, 16);
                var _ = TensorScope.open("test")) {
            reader.prefill(cache, 0, TinyModels.tokens("prompt", CONFIG, 9));
            reader.decode(cache, new int[] {3});
            return reader.decode(cache, new int[] {5}).toFloats();
        }
    }

    private static List<float[]> numbers(
            DType dtype, LoraConfig adapter, Policy.Options options, Consumer<Policy> change) {
        return Engine.call(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, dtype);
                            Policy policy = Adapted.policy(decoder, adapter, options)) {
                        decoder.packDecodingInPlace();
                        decoder.packBackward();
                        change.accept(policy);
                        return numbers(policy);
                    }
                });
    }

    private static void assertSame(DType dtype, LoraConfig adapter, Policy.Options options) {
        Hardware.requireProcessor();
        List<float[]> stays = numbers(dtype, adapter, options, _ -> {});
        Kept[] kept = new Kept[1];
        List<float[]> comes =
                numbers(
                        dtype,
                        adapter,
                        options,
                        policy -> {
                            kept[0] = new Kept(policy.decoder());
                            policy.decoder().presence().moveTo(kept[0]);
                        });
        assertEquals(stays.size(), comes.size());
        for (int i = 0; i < stays.size(); i++) {
            assertArrayEquals(stays.get(i), comes.get(i), dtype + ", numbers " + i);
        }
        assertTrue(kept[0].fetches > 10 * CONFIG.layers(), "fetches: " + kept[0].fetches);
    }

    @Tag("thorough")
    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "BFLOAT16"})
    void passesHaveTheSameBits(DType dtype) {
        assertSame(dtype, Outcome.allLinear(0.1), Outcome.DEFAULT);
        assertSame(dtype, Outcome.allLinear(0), Outcome.RECOMPUTE);
        assertSame(dtype, Outcome.allLinear(0), Outcome.PLAIN);
    }

    @Test
    void decomposedAdaptersReadWeightsWhenTheyChange() {
        LoraConfig lora = Outcome.allLinear(0);
        var decomposed =
                new LoraConfig(
                        lora.rank(),
                        lora.alpha(),
                        0,
                        lora.rankStabilised(),
                        true,
                        lora.targets(),
                        lora.excluded(),
                        lora.layers(),
                        lora.layersPattern(),
                        lora.rankPattern(),
                        lora.alphaPattern(),
                        lora.modulesToSave(),
                        lora.tiesSaved(),
                        lora.initialisation(),
                        lora.taskType(),
                        lora.baseModel());
        assertSame(DType.FLOAT32, decomposed, Outcome.DEFAULT);
    }

    @Test
    void aPassNeedsOneBlockAtATime() {
        Hardware.requireProcessor();
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.FLOAT32);
                            Policy policy =
                                    Adapted.policy(
                                            decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        var kept = new Kept(decoder);
                        decoder.presence().moveTo(kept);
                        Outcome.of(policy, List.of(Adapted.piece(CONFIG, 12)));
                        assertEquals(2 * CONFIG.layers() - 1, kept.fetches); // the last one stays
                        assertEquals(1, kept.most);
                    }
                });
    }

    @Test
    void whoReadsWeightsThatAreGoneIsTold() {
        Hardware.requireProcessor();
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(CONFIG, DType.FLOAT32)) {
                        decoder.presence().moveTo(new Kept(decoder));
                        FusedLinear linear = decoder.linears().getFirst();
                        var gone =
                                assertThrows(IllegalStateException.class, () -> linear.weight(0));
                        assertTrue(
                                gone.getMessage().contains("this process keeps a part"),
                                gone.getMessage());
                        assertThrows(IllegalStateException.class, decoder::keepPlain);
                        try (var _ = decoder.presence().hold(0);
                                var _ = TensorScope.open("test")) {
                            assertEquals(2, linear.weight(0).dim());
                        }
                    }
                });
    }
}
