package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.error.ConfigException;
import org.attune.files.TensorFile;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Storage;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.testing.Hardware;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/// LoftQ: an adapter begins as the best approximation of what few bits leave out of its base.
@Tag("thorough")
class MendedStartTest {
    private static final Path MODEL = Fixtures.own("src/test/resources/recorded/few-bits/original");

    @TempDir Path folder;

    private static LoraConfig config(int rank, boolean dora) {
        LoraConfig lora =
                dora
                        ? Adapted.dora(rank, 3)
                        : LoraConfig.of(rank, 3, 0, new ModuleSelection.AllLinear());
        return lora.with("test", Map.of("init_lora_weights", "loftq"));
    }

    private static Policy mending(Decoder decoder, LoraConfig config) {
        return AdapterStart.mending(
                decoder, config, TinyModels.random("a"), Outcome.DEFAULT, false);
    }

    private static void with(LoraConfig config, Storage storage, BiConsumer<Decoder, Policy> use) {
        withBase(
                storage,
                decoder -> {
                    try (Policy policy = mending(decoder, config)) {
                        use.accept(decoder, policy);
                    }
                });
    }

    private static void withBase(Storage storage, Consumer<Decoder> use) {
        Hardware.requireProcessor();
        FewBitsTest.with(MODEL, storage, (_, decoder) -> use.accept(decoder));
    }

    @ParameterizedTest
    @CsvSource({"NF4, 4, false", "NF4_DOUBLE, 1, false", "FP4, 8, true", "INT8, 4, false"})
    void noMatrixOfTheRankIsNearer(Storage storage, int rank, boolean dora) {
        with(
                config(rank, dora),
                storage,
                (decoder, policy) -> {
                    AdapterParameters adapter = policy.own("test");
                    for (FusedLinear linear : decoder.blockLinears()) {
                        for (int part = 0; part < linear.parts().size(); part++) {
                            Tensor was = linear.original(part).orElseThrow().to(DType.FLOAT32);
                            Tensor is = decoder.weight(linear, part);
                            float[] singular = was.sub(is).svd()[1].toFloats();
                            double rest = 0;
                            for (int k = rank; k < singular.length; k++) {
                                rest += (double) singular[k] * singular[k];
                            }
                            Tensor made = adapter.merged(linear, part, is);
                            double left = was.sub(made).square().sum().item();
                            assertClose(linear.parts().get(part).path(), rest, left, 1e-7, 1e-3);
                            assertTrue(left < was.sub(is).square().sum().item());
                        }
                    }
                });
    }

    @Test
    void theFileIsAPlainLoraOnTheBase() {
        withBase(
                Storage.NF4,
                decoder -> {
                    TokenForest forest = Adapted.piece(decoder.config(), 7).forest();
                    float[] made;
                    try (Policy policy = mending(decoder, config(4, false))) {
                        made = Outcome.logProbs(policy, forest);
                        assertEquals(Scorer.Start.OTHER, policy.adapterOff().start());
                        policy.own("test").save(folder, "original");
                    }
                    try (var file = AdapterFolder.open(folder);
                            Policy read = Policy.withAdapter(decoder, file, Outcome.DEFAULT)) {
                        assertEquals(4, ((LoraConfig) file.config()).rank());
                        assertEquals(LoraInitialisation.KAIMING, file.config().initialisation());
                        assertArrayEquals(made, Outcome.logProbs(read, forest));
                    }
                });
    }

    /// Where nothing was lost, it begins as any other.
    @Test
    void aDenseBaseIsNotChanged() {
        with(
                config(4, false),
                Storage.NONE,
                (decoder, policy) -> {
                    assertTrue(policy.own("test").changesNothing());
                    assertFalse(decoder.linears().getFirst().original(0).isPresent());
                });
    }

    /// What the log says is known when the adapter begins; no file is read for it again.
    @Test
    void eachWeightIsReadOnceForTheAdapterAndTheLog() {
        Hardware.requireProcessor();
        Map<String, Integer> reads = new TreeMap<>();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var source = ModelSource.open(MODEL.toString());
                            var decoder =
                                    Decoder.load(
                                            source.config(),
                                            counting(source.tensors(), reads),
                                            Device.cpu(),
                                            DType.FLOAT32,
                                            Storage.NF4)) {
                        reads.clear();
                        try (Policy policy = mending(decoder, config(4, false))) {
                            AdapterParameters adapter = policy.own("test");
                            Map<String, Integer> once = new TreeMap<>();
                            adapter.targets().forEach(t -> once.put(t.path() + ".weight", 1));
                            assertEquals(once, reads);
                            assertLost(decoder, adapter);
                        }
                    }
                });
    }

    private static void assertLost(Decoder decoder, AdapterParameters adapter) {
        double[] expected = new double[3];
        for (FusedLinear linear : decoder.blockLinears()) {
            for (int part = 0; part < linear.parts().size(); part++) {
                Tensor was = linear.original(part).orElseThrow().to(DType.FLOAT32);
                Tensor is = decoder.weight(linear, part);
                expected[0] += was.square().sum().item();
                expected[1] += was.sub(is).square().sum().item();
                expected[2] += was.sub(adapter.merged(linear, part, is)).square().sum().item();
            }
        }
        LostBits lost = AdapterStart.lost(adapter);
        assertEquals(expected[0], lost.weights(), 1e-5 * expected[0]);
        assertEquals(expected[1], lost.alone(), 1e-4 * expected[1]);
        assertEquals(expected[2], lost.mended(), 1e-4 * expected[2]);
        assertTrue(lost.mended() < 0.99 * lost.alone(), lost.toString());
    }

    /// A file that notes how often each tensor was read.
    private static TensorFile counting(TensorFile file, Map<String, Integer> reads) {
        return new TensorFile() {
            @Override
            public Map<String, Entry> entries() {
                return file.entries();
            }

            @Override
            public MemorySegment read(String name, Arena arena) {
                reads.merge(name, 1, Integer::sum);
                return file.read(name, arena);
            }

            @Override
            public void close() {
                file.close();
            }
        };
    }

    @Test
    void theLogNamesPercentOrThatNothingIsInFewBits() {
        assertEquals(
                "adapted weights are off by 3.00 % (root mean square) with the adapter, by 9.00 %"
                        + " without it",
                new LostBits(1, 0, 0).plus(new LostBits(0, 0.0081, 0.0009)).toString());
        assertTrue(LostBits.NONE.toString().startsWith("no adapted weight is in few bits"));
    }

    /// Weights that are dense beside others in few bits count for nothing.
    @Test
    void aDenseBaseLosesNothing() {
        with(
                config(4, false),
                Storage.NONE,
                (_, policy) -> assertEquals(LostBits.NONE, AdapterStart.lost(policy.own("test"))));
    }

    @Test
    void aRankAboveTheDirectionsIsRefused() {
        Hardware.requireProcessor(); // few bits; the skip isn't the error that is looked for
        var e =
                assertThrows(
                        ConfigException.class,
                        () -> with(config(4096, false), Storage.NF4, (_, _) -> {}));
        assertTrue(e.getMessage().contains("loftq: at most"), e.getMessage());
    }
}
