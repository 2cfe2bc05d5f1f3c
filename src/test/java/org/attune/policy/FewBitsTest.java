package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.adapter.AdapterConfig;
import org.attune.error.ModelException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Storage;
import org.attune.model.pass.Logits;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DigitMatrix;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BiConsumer;

/// Models whose linear layers are in few bits compute what dense ones with the same numbers do.
/// Made by `src/test/recorded/make_few_bits.py`.
class FewBitsTest {
    private static final Path FOLDER = Fixtures.own("src/test/resources/recorded/few-bits");

    /// A model on the processor in float32, its linear layers stored so.
    static void with(Path model, Storage storage, BiConsumer<ModelSource, Decoder> use) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            var source = ModelSource.open(model.toString());
                            Decoder decoder =
                                    Decoder.load(
                                            source.config(),
                                            source.tensors(),
                                            Device.cpu(),
                                            DType.FLOAT32,
                                            storage)) {
                        use.accept(source, decoder);
                    }
                });
    }

    private static float[] logits(Path recorded, Decoder decoder) {
        try (var expected = Recorded.tensors(recorded)) {
            int length = (int) expected.shape("input_ids")[1];
            var layout = RecordedModelsTest.layout(expected.ints("input_ids"), length);
            return Logits.of(decoder, layout, Adapter.OFF).toFloats();
        }
    }

    private static void assertLogits(String what, Path recorded, Decoder decoder, double within) {
        try (var expected = Recorded.tensors(recorded)) {
            assertClose(what, expected.floats("logits"), logits(recorded, decoder), within, 0);
        }
    }

    private static long codedBytes(Decoder decoder) {
        return decoder.linears().stream()
                .map(FusedLinear::codedBytes)
                .mapToLong(OptionalLong::orElseThrow)
                .sum();
    }

    /// Products of bytes have 16 bits of an activation.
    private static double within(double otherwise) {
        return DigitMatrix.isUseful(DType.FLOAT32, 64, 64) ? 2e-3 : otherwise;
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4-double", "fp4", "int8"})
    void foldersOfBitsandbytesComputeWhatTheirNumbersSay(String name) {
        Path expected = FOLDER.resolve(name).resolve("expected.safetensors");
        for (Storage storage : new Storage[] {Storage.KEEP, Storage.NONE}) {
            with(
                    FOLDER.resolve(name),
                    storage,
                    (_, decoder) ->
                            assertLogits(
                                    name + " " + storage,
                                    expected,
                                    decoder,
                                    name.equals("int8") && storage == Storage.KEEP
                                            ? within(1e-5)
                                            : 1e-5));
        }
    }

    /// Of sizes in a byte bitsandbytes takes on processors another level than the nearest now and
    /// then.
    @ParameterizedTest
    @CsvSource({"NF4_DOUBLE, nf4-double, 0.05", "FP4, fp4, 1e-5", "INT8, int8, 1e-5"})
    void whatIsBroughtToFewBitsWhileItIsReadIsWhatBitsandbytesMakes(
            Storage storage, String name, double within) {
        Path expected = FOLDER.resolve(name).resolve("expected.safetensors");
        with(
                FOLDER.resolve("original"),
                storage,
                (source, decoder) -> {
                    boolean bytes = storage == Storage.INT8;
                    assertLogits(name, expected, decoder, bytes ? within(within) : within);
                    long dense = source.config().productNumbers();
                    double bits = 8.0 * codedBytes(decoder) / (dense - 48 * 64);
                    // small layers: what stands beside the codes counts
                    double eight = within(0) > 0 ? 9.7 : 8.3;
                    assertEquals(storage == Storage.INT8 ? eight : 4.3, bits, 0.3);
                });
    }

    /// Passes by hand and by autograd, with everything kept and computed again.
    @Test
    void adaptersLearnAsBesideTheSameNumbersDense() {
        Path model = FOLDER.resolve("nf4-double");
        for (AdapterConfig adapter :
                List.of(
                        Outcome.allLinear(0.1),
                        Adapted.config(List.of("q_proj", "down_proj"), List.of(), true, 0))) {
            for (Policy.Options options :
                    List.of(Outcome.DEFAULT, Outcome.RECOMPUTE, Outcome.PLAIN)) {
                with(
                        model,
                        Storage.NONE,
                        (source, dense) ->
                                with(
                                        model,
                                        Storage.KEEP,
                                        (_, coded) -> {
                                            var pieces =
                                                    List.of(Adapted.piece(source.config(), 12));
                                            try (Policy one =
                                                            Outcome.lora(dense, adapter, options);
                                                    Policy other =
                                                            Outcome.lora(coded, adapter, options)) {
                                                Outcome.of(one, pieces)
                                                        .assertEqualTo(
                                                                "in few bits",
                                                                Outcome.of(other, pieces));
                                            }
                                        }));
            }
        }
    }

    /// Products of bytes have 16 bits of an activation, forward and backward.
    @Test
    void adaptersOnBytesLearnNearlyAsBesideTheSameNumbersDense() {
        Path model = FOLDER.resolve("int8");
        AdapterConfig adapter = Outcome.allLinear(0);
        with(
                model,
                Storage.NONE,
                (source, dense) ->
                        with(
                                model,
                                Storage.KEEP,
                                (_, coded) -> {
                                    var pieces = List.of(Adapted.piece(source.config(), 12));
                                    try (Policy one =
                                                    Outcome.lora(dense, adapter, Outcome.DEFAULT);
                                            Policy other =
                                                    Outcome.lora(coded, adapter, Outcome.DEFAULT)) {
                                        Outcome expected = Outcome.of(one, pieces);
                                        Outcome found = Outcome.of(other, pieces);
                                        double change =
                                                difference(expected.values(), found.values());
                                        assertTrue(change < 1e-3, "log-probs " + change);
                                        double gradient =
                                                difference(expected.gradients(), found.gradients());
                                        assertTrue(gradient < 5e-3, "gradients " + gradient);
                                        assertArrayEquals(
                                                found.values(), Outcome.of(other, pieces).values());
                                    }
                                }));
    }

    /// Root mean square of differences over that of the numbers.
    private static double difference(float[] expected, float[] found) {
        double squares = 0;
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            squares += Math.pow(found[i] - expected[i], 2);
            sum += Math.pow(expected[i], 2);
        }
        return Math.sqrt(squares / sum);
    }

    @Test
    void mergingTakesTheNumbersThatWereTrainedOn() {
        Path model = FOLDER.resolve("nf4-double");
        with(
                model,
                Storage.KEEP,
                (source, coded) -> {
                    try (Policy policy =
                            Outcome.lora(coded, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        Path recorded = model.resolve("expected.safetensors");
                        try (var expected = Recorded.tensors(recorded);
                                Decoder merged = Adapted.merged(policy)) {
                            var ids = expected.ints("input_ids");
                            var layout = RecordedModelsTest.layout(ids, ids.length);
                            assertClose(
                                    "merged",
                                    Logits.of(coded, layout, Adapter.TRAINED).toFloats(),
                                    Logits.of(merged, layout, Adapter.OFF).toFloats(),
                                    1e-4,
                                    0);
                        }
                    }
                });
    }

    @Test
    void weightsInFewBitsAreNotTrained() {
        with(
                FOLDER.resolve("int8"),
                Storage.KEEP,
                (_, decoder) -> {
                    var e = assertThrows(ModelException.class, decoder::keepPlain);
                    assertTrue(e.getMessage().contains("use_peft: true"), e.getMessage());
                });
    }

    @Test
    @Tag("fixtures-engine")
    void blocksOfGgufFilesAreKeptWithTheNumbersThatTheyHad() {
        for (String name : List.of("llama", "llama-rope-llama3", "qwen2")) {
            Path folder = Fixtures.fixture("engine/gguf/models/" + name);
            Path recorded = folder.resolve("expected.safetensors");
            with(
                    folder.resolve("model-q8_0.gguf"),
                    Storage.KEEP,
                    (_, coded) -> {
                        assertTrue(coded.storage().orElseThrow().contains("Q8_0"));
                        float[] kept = logits(recorded, coded);
                        with(
                                folder.resolve("model-q8_0.gguf"),
                                Storage.NONE,
                                (_, dense) -> {
                                    assertTrue(dense.storage().isEmpty());
                                    assertClose(name, logits(recorded, dense), kept, 1e-5, 0);
                                    for (int i = 0; i < dense.linears().size(); i++) {
                                        assertArrayEquals(
                                                dense.linears().get(i).weight(0).toFloats(),
                                                coded.linears().get(i).weight(0).toFloats());
                                    }
                                });
                    });
        }
    }
}
