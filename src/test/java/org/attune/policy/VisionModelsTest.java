package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Models of text and images against transformers: features, logits, loss, gradients of all
/// weights, greedy ids.
@Tag("fixtures-engine")
class VisionModelsTest {
    /// Norms of gradients that transformers gives, of weights that hold the numbers of another: the
    /// fixtures give one of each two that of the other, and the other none.
    private static final Map<String, Map<String, Double>> OF_EQUALS =
            Map.of(
                    "qwen2_5_vl",
                    Map.of(
                            "visual.blocks.0.norm2.weight", 0.13030552864074707,
                            "visual.blocks.1.norm1.weight", 0.08480541408061981),
                    "qwen3_vl",
                    Map.of(
                            "model.language_model.layers.1.self_attn.q_norm.weight",
                                    0.06741810590028763,
                            "model.language_model.layers.2.self_attn.k_norm.weight",
                                    0.03740725666284561));

    @Test
    void everyModelThatSees() {
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path folder : Recorded.folders(Fixtures.fixture("vision/models"))) {
                for (String style : List.of("config.json", "config.legacy.json")) {
                    String name = folder.getFileName() + "/" + style;
                    DecoderConfig config;
                    try {
                        config = DecoderConfig.read(folder.resolve(style));
                    } catch (ModelException e) {
                        report.unsupported(name);
                        continue;
                    }
                    if (config.vision().isEmpty()) {
                        report.unsupported(name);
                        continue;
                    }
                    report.run(name, () -> Engine.run(() -> check(folder, config)));
                }
            }
        }
    }

    private static void check(Path folder, DecoderConfig config) {
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(folder);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.FLOAT32);
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"))) {
            JsonNode json = Recorded.json(folder.resolve("expected.json"));
            SeenPicture picture = picture(expected, config.vision().orElseThrow());
            int[] ids = among(expected.ints("one.input_ids"), config, List.of(picture));
            features(decoder, picture, expected);
            var layout = RecordedModelsTest.layout(ids, ids.length);
            assertClose(
                    "hidden",
                    expected.floats("one.hidden"),
                    Logits.hidden(decoder, layout, Adapter.OFF).toFloats(),
                    1e-4,
                    0);
            TokenForest forest = RecordedModelsTest.rows(ids, ids.length);
            Measurement said = Policy.reference(decoder).measure(forest, HeadRequest.of());
            assertClose(
                    "log-probabilities",
                    expected.floats("one.target_logprobs"),
                    said.tokenLogProbs(),
                    1e-4,
                    0);
            assertEquals(1, decoder.picturesEncoded(), "passes through the tower");
            gradients(decoder, forest, json.path("cases").path("one"), expected);
            greedy(decoder, json.path("greedy"), expected, picture);
        }
    }

    /// What the token forest reads of a picture alone, before the first block and behind others.
    private static void features(Decoder decoder, SeenPicture picture, Recorded expected) {
        int[] ids = SeenPicture.among(tokens(picture.rows()), 0, List.of(picture));
        Tensor x = zeros(decoder, ids.length);
        decoder.see(ids, x, Adapter.OFF, Dropout.NONE);
        assertClose("features", expected.floats("one.image_features"), x.toFloats(), 1e-4, 0);
        for (int block = 0; block < decoder.seeingDepth(ids); block++) {
            Tensor added = zeros(decoder, ids.length);
            decoder.seeBehind(block, ids, added, Adapter.OFF, Dropout.NONE);
            String name = "one.deepstack_features." + block;
            assertClose(name, expected.floats(name), added.toFloats(), 1e-4, 0);
        }
    }

    private static Tensor zeros(Decoder decoder, int rows) {
        int width = decoder.config().hiddenSize();
        return Tensor.zeros(decoder.device(), DType.FLOAT32, rows, width);
    }

    private static int[] tokens(int count) {
        return new int[count];
    }

    private static void gradients(
            Decoder decoder, TokenForest forest, JsonNode wanted, Recorded expected) {
        var options = new Policy.Options(Recomputation.NONE, false, 0, false);
        try (var policy = Policy.withAllWeights(decoder, options);
                var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            float[] logProbs = evaluation.measurement().tokenLogProbs();
            double sum = 0;
            for (float l : logProbs) {
                sum += l;
            }
            assertClose("loss", wanted.get("loss").asDouble(), -sum / logProbs.length, 1e-5, 0);
            float[] weights = new float[logProbs.length];
            Arrays.fill(weights, -1f / logProbs.length);
            evaluation.backward(weights);
            Map<String, Double> norms = norms(decoder, wanted);
            int compared = 0;
            for (var p : policy.parameters().parameters()) {
                Tensor g = policy.parameters().gradient(p);
                double norm = Math.sqrt(g.square().sum().item());
                assertClose(
                        "norm of the gradient of " + p.name(),
                        norms.getOrDefault(inFile(decoder, p.name()), 0.0),
                        norm,
                        1e-5,
                        1e-4);
                String whole = "one.grad." + inFile(decoder, p.name());
                if (expected.names().contains(whole)) {
                    assertClose(whole, expected.floats(whole), g.toFloats(), 1e-5, 1e-4);
                }
                compared++;
            }
            assertEquals(norms.size(), compared, "gradients");
        }
    }

    private static Map<String, Double> norms(Decoder decoder, JsonNode wanted) {
        Map<String, Double> norms = new HashMap<>();
        wanted.path("grad_l2")
                .properties()
                .forEach(e -> norms.put(e.getKey(), e.getValue().asDouble()));
        String type = decoder.config().vision().orElseThrow().modelType();
        norms.putAll(OF_EQUALS.getOrDefault(type, Map.of()));
        return norms;
    }

    private static String inFile(Decoder decoder, String name) {
        return decoder.config().vision().orElseThrow().names().inFile(name);
    }

    private static void greedy(
            Decoder decoder, JsonNode greedy, Recorded expected, SeenPicture picture) {
        int[] prompt = among(expected.ints("greedy.prompt"), decoder.config(), List.of(picture));
        int[] wanted = new int[greedy.path("ids").size()];
        for (int i = 0; i < wanted.length; i++) {
            wanted[i] = greedy.path("ids").get(i).asInt();
        }
        int[] ids = new int[wanted.length];
        try (var cache = new KvCache(decoder, 1, prompt.length + wanted.length)) {
            var cached = new CachedDecoder(decoder, Adapter.OFF);
            int next = argmax(cached.prefill(cache, 0, prompt));
            for (int i = 0; i < ids.length; i++) {
                ids[i] = next;
                try (var _ = TensorScope.open("token")) {
                    next = argmax(cached.decode(cache, new int[] {next}));
                }
            }
        }
        assertArrayEquals(wanted, ids);
    }

    private static int argmax(Tensor logits) {
        return Math.toIntExact(logits.reshape(-1).argmax(0).toLongs()[0]);
    }

    private static int[] among(int[] ids, DecoderConfig config, List<SeenPicture> pictures) {
        return SeenPicture.among(ids, config.vision().orElseThrow().imageToken(), pictures);
    }

    /// The picture of the case `one`.
    static SeenPicture picture(Recorded expected, VisionConfig vision) {
        float[] pixels = expected.floats("one.pixel_values");
        long[] shape = expected.shape("one.pixel_values"); // (tiles, 3, height, width), or patches
        boolean patches = vision.encoder().patches().times() > 0;
        int[] sizes =
                Arrays.stream(shape)
                        .skip(patches ? 0 : shape.length - 4)
                        .mapToInt(Math::toIntExact)
                        .toArray();
        int[] told = patches ? expected.ints("one.image_grid_thw") : new int[0];
        int rows = vision.rows(patches ? vision.grid(sizes, told) : vision.grid(sizes));
        int columns = patches ? told[2] / vision.connector().side() : 0;
        String key = "one of " + vision.modelType();
        return new SeenPicture(
                key, rows, columns, "", () -> new Prepared(pixels, sizes, told, rows, key));
    }
}
