package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ExpertLoad;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.testing.TensorAssert;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// Logits, hidden states, gradients and greedy ids of whole models against transformers'.
@Tag("fixtures-engine")
class RecordedModelsTest {
    private static final double LOGITS = 1e-4;
    private static final double GRADIENTS = 1e-5;

    @Test
    void everyModel() {
        Path models = Fixtures.fixture("engine/models");
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            compareAll(models, report);
        }
    }

    /// @param models folders of models with what was recorded
    static void compareAll(Path models, CaseReport report) {
        for (Path folder : Recorded.folders(models)) {
            String name = folder.getFileName().toString();
            List<String> styles =
                    Stream.of("config.json", "config.legacy.json")
                            .filter(style -> Files.exists(folder.resolve(style)))
                            .toList();
            if (styles.isEmpty()) {
                report.unsupported(name);
            }
            for (String style : styles) {
                DecoderConfig config;
                try {
                    config = DecoderConfig.read(folder.resolve(style));
                } catch (ModelException e) {
                    report.unsupported(name + "/" + style);
                    continue;
                }
                report.run(name + "/" + style, () -> Engine.run(() -> check(folder, config)));
            }
        }
    }

    private static void check(Path folder, DecoderConfig config) {
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(folder);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"))) {
            int[] ids = expected.ints("input_ids");
            int length = (int) expected.shape("input_ids")[1];
            TokenForest forest = rows(ids, length);
            var layout = layout(ids, length);
            assertClose(
                    "logits",
                    expected.floats("logits"),
                    Logits.of(decoder, layout, Adapter.OFF).toFloats(),
                    LOGITS,
                    0);
            assertClose(
                    "hidden",
                    expected.floats("hidden"),
                    Logits.hidden(decoder, layout, Adapter.OFF).mul(hiddenScale(config)).toFloats(),
                    LOGITS,
                    0);
            JsonNode json = Recorded.json(folder.resolve("expected.json"));
            for (boolean plain : new boolean[] {false, true}) {
                gradients(decoder, forest, expected, json, plain);
                if (json.has("router_loss")) {
                    routers(decoder, forest, expected, json, plain);
                }
            }
            greedy(decoder, json.path("greedy"));
        }
    }

    /// MiniCPM's output layer reads scaled states, of which the scale of logits is made here.
    private static double hiddenScale(DecoderConfig config) {
        return config.modelType().startsWith("minicpm") ? config.ends().logitScale() : 1;
    }

    private static void gradients(
            Decoder decoder, TokenForest forest, Recorded expected, JsonNode json, boolean plain) {
        var options = new Policy.Options(Recomputation.NONE, false, 0, plain);
        try (var policy = Policy.withAllWeights(decoder, options);
                var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            float[] logProbs = evaluation.measurement().tokenLogProbs();
            double sum = 0;
            for (float l : logProbs) {
                sum += l;
            }
            if (json.has("loss")) {
                assertClose("loss", json.get("loss").asDouble(), -sum / logProbs.length, 1e-5, 0);
            }
            float[] weights = new float[logProbs.length];
            Arrays.fill(weights, -1f / logProbs.length);
            evaluation.backward(weights);
            compare(plain, "grad.", gradients(decoder, policy), expected);
        }
    }

    /// The loss that balances experts, beside the other one.
    private static void routers(
            Decoder decoder, TokenForest forest, Recorded expected, JsonNode json, boolean plain) {
        double factor = decoder.config().block().feedForward().experts().get().loss().factor();
        var options =
                new Policy.Options(Recomputation.NONE, false, 0, plain).withRouterLoss(factor);
        try (var policy = Policy.withAllWeights(decoder, options);
                var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            Measurement said = evaluation.measurement();
            ExpertLoad load = said.loads().stream().reduce(ExpertLoad.none(), ExpertLoad::plus);
            assertClose("router loss", json.get("router_loss").asDouble(), load.loss(), 1e-5, 0);
            float[] weights = new float[said.tokenLogProbs().length];
            Arrays.fill(weights, -1f / weights.length);
            double[] slopes = Arrays.stream(load.slopes()).map(s -> factor * s).toArray();
            evaluation.balance(said.loads().stream().map(_ -> slopes).toList());
            evaluation.backward(weights);
            compare(plain, "grad_with_router.", gradients(decoder, policy), expected);
        }
    }

    private static List<SafeTensorsWriter.Source> gradients(Decoder decoder, Policy policy) {
        List<SafeTensorsWriter.Source> gradients = new ArrayList<>();
        for (var p : policy.parameters().parameters()) {
            Tensor g = policy.parameters().gradient(p);
            gradients.add(StateTensors.source(p.name(), stored(decoder, p, g)));
        }
        return decoder.stored(gradients);
    }

    /// @param gradients as the model's files hold the weights
    private static void compare(
            boolean plain,
            String prefix,
            List<SafeTensorsWriter.Source> gradients,
            Recorded expected) {
        int checked = 0;
        for (SafeTensorsWriter.Source gradient : gradients) {
            if (expected.names().contains(prefix + gradient.name())) {
                checked++;
                try (Arena arena = Arena.ofConfined()) {
                    assertClose(
                            (plain ? "plain " : "") + "gradient of " + gradient.name(),
                            expected.floats(prefix + gradient.name()),
                            gradient.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT),
                            GRADIENTS,
                            3e-5);
                }
            }
        }
        long wanted = expected.names().stream().filter(n -> n.startsWith(prefix)).count();
        if (checked != wanted) {
            throw new AssertionError(
                    "compared %d of %d gradients: %s".formatted(checked, wanted, expected.names()));
        }
    }

    /// A gradient as the model's files hold the weight.
    private static Tensor stored(Decoder decoder, ParameterSpace.Parameter p, Tensor g) {
        boolean turned =
                decoder.config().names().transposed()
                        && decoder.linears().stream()
                                .flatMap(linear -> linear.parts().stream())
                                .anyMatch(part -> p.name().equals(part.path() + ".weight"));
        return turned ? g.t().contiguous() : g;
    }

    private static void greedy(Decoder decoder, JsonNode greedy) {
        int[] prompt =
                ints(greedy.has("prompt_ids") ? greedy.get("prompt_ids") : greedy.get("prompt"));
        JsonNode wanted =
                greedy.has("ids_without_cache")
                        ? greedy.get("ids_without_cache")
                        : greedy.get("ids");
        int[] expected = ints(wanted);
        int[] sequence = Arrays.copyOf(prompt, prompt.length + expected.length);
        for (int i = 0; i < expected.length; i++) {
            int length = prompt.length + i;
            try (var _ = TensorScope.open("greedy")) {
                var layout = layout(Arrays.copyOf(sequence, length), length);
                Tensor logits = Logits.of(decoder, layout, Adapter.OFF);
                sequence[length] = (int) logits.select(0, length - 1).argmax(0).toLongs()[0];
            }
        }
        TensorAssert.assertSame(
                "greedy ids",
                expected,
                Arrays.copyOfRange(sequence, prompt.length, sequence.length));
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asInt();
        }
        return values;
    }

    /// All tokens, one root per row.
    static Layout layout(int[] ids, int length) {
        var builder = TokenForest.builder();
        for (int from = 0; from < ids.length; from += length) {
            builder.root(Arrays.copyOfRange(ids, from, from + length));
        }
        return Policy.layout(builder.build());
    }

    /// One root per row, every token but the first a target.
    static TokenForest rows(int[] ids, int length) {
        var builder = TokenForest.builder();
        for (int from = 0; from < ids.length; from += length) {
            int root = builder.root(Arrays.copyOfRange(ids, from, from + length));
            for (int i = 1; i < length; i++) {
                builder.target(root, i);
            }
        }
        return builder.build();
    }
}
