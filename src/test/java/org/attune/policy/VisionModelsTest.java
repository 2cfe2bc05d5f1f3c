package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.images.ImagePipeline;
import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.Picture;
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
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
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
    /// fixtures give one of each two that of the other, and the other none. By folder.
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

    /// How the tiles of a picture lie: rows, columns.
    private static final String TILES = "one.tiles";

    @Test
    void everyModelThatSees() {
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path folder : Recorded.folders(Fixtures.fixture("vision/models"))) {
                for (String style : List.of("config.json", "config.legacy.json")) {
                    if (!Files.exists(folder.resolve(style))) {
                        continue; // random models have one style
                    }
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
            VisionConfig vision = config.vision().orElseThrow();
            SeenPicture picture = picture(folder, expected, vision);
            int[] ids = one(expected, config, picture);
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
            int first = Math.max(0, SeenPicture.promptLength(ids) - 1); // predicts the answer
            assertClose(
                    "log-probabilities",
                    from(first, expected.floats("one.target_logprobs")),
                    from(first, said.tokenLogProbs()),
                    1e-4,
                    0);
            assertEquals(1, decoder.picturesEncoded(), "passes through the tower");
            JsonNode one = json.path("cases").path("one");
            Map<String, Double> norms = norms(folder.getFileName().toString(), one);
            gradients(decoder, forest, first, one, norms, expected);
            greedy(decoder, json.path("greedy"), expected, picture);
        }
    }

    static float[] from(int first, float[] all) {
        return Arrays.copyOfRange(all, first, all.length);
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
            Decoder decoder,
            TokenForest forest,
            int first,
            JsonNode wanted,
            Map<String, Double> norms,
            Recorded expected) {
        var options = new Policy.Options(Recomputation.NONE, false, 0, false);
        try (var policy = Policy.withAllWeights(decoder, options);
                var evaluation = policy.evaluate(forest, HeadRequest.of())) {
            float[] logProbs = evaluation.measurement().tokenLogProbs();
            int count = logProbs.length - first;
            double sum = 0;
            for (int i = first; i < logProbs.length; i++) {
                sum += logProbs[i];
            }
            assertClose("loss", wanted.get("loss").asDouble(), -sum / count, 1e-5, 0);
            float[] weights = new float[logProbs.length];
            Arrays.fill(weights, first, weights.length, -1f / count);
            evaluation.backward(weights);
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

    private static Map<String, Double> norms(String folder, JsonNode wanted) {
        Map<String, Double> norms = new HashMap<>();
        wanted.path("grad_l2")
                .properties()
                .forEach(e -> norms.put(e.getKey(), e.getValue().asDouble()));
        norms.putAll(OF_EQUALS.getOrDefault(folder, Map.of()));
        return norms;
    }

    private static String inFile(Decoder decoder, String name) {
        return decoder.config().vision().orElseThrow().names().inFile(name);
    }

    private static void greedy(
            Decoder decoder, JsonNode greedy, Recorded expected, SeenPicture picture) {
        int[] seen = among(expected.ints("greedy.prompt"), decoder.config(), List.of(picture));
        boolean whole = decoder.config().attention().throughWindows();
        int[] prompt = whole ? SeenPicture.prompt(seen) : seen;
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

    /// Graphs of GPUs are told positions that pictures move.
    @Test
    void graphsDecodeBehindPictures() {
        for (String name : List.of("qwen2_vl", "qwen2_5_vl", "qwen3_vl")) {
            Path folder = Fixtures.fixture("vision/models/" + name);
            DecoderConfig config = DecoderConfig.read(folder.resolve("config.json"));
            Engine.run(() -> decodesBehindPictures(folder, config));
        }
    }

    private static void decodesBehindPictures(Path folder, DecoderConfig config) {
        int steps = 4;
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(folder);
                var decoder = Decoder.load(config, file, Devices.simulated(), DType.BFLOAT16);
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"))) {
            SeenPicture picture = picture(expected, config.vision().orElseThrow());
            int[] prompt = among(expected.ints("greedy.prompt"), config, List.of(picture));
            int[] all = Arrays.copyOf(prompt, prompt.length + steps);
            try (var cache = new KvCache(decoder, 2, all.length)) {
                var cached = new CachedDecoder(decoder, Adapter.OFF);
                cached.prefill(cache, 0, prompt);
                DeviceTraffic.start();
                float[] last = {};
                for (int i = 0; i < steps; i++) {
                    all[prompt.length + i] = 3 + i;
                    last = cached.decode(cache, new int[] {3 + i}).toFloats();
                }
                Map<String, Long> calls = DeviceTraffic.stop().byOperator();
                assertTrue(calls.containsKey("cuGraphLaunch"), calls.toString());
                assertClose("logits", cached.prefill(cache, 1, all).toFloats(), last, 0.15, 0);
            }
        }
    }

    private static int argmax(Tensor logits) {
        return Math.toIntExact(logits.reshape(-1).argmax(0).toLongs()[0]);
    }

    /// Tokens of the case `one`, of which those of the type 0 are the prompt in PaliGemma.
    static int[] one(Recorded expected, DecoderConfig config, SeenPicture picture) {
        int[] ids = among(expected.ints("one.input_ids"), config, List.of(picture));
        if (config.attention().throughWindows()) {
            int[] types = expected.ints("one.token_type_ids");
            int length = (int) Arrays.stream(types).filter(type -> type == 0).count();
            int[] prompt = SeenPicture.prompt(Arrays.copyOf(ids, length));
            System.arraycopy(prompt, 0, ids, 0, length);
        }
        return ids;
    }

    private static int[] among(int[] ids, DecoderConfig config, List<SeenPicture> pictures) {
        return SeenPicture.among(ids, config.vision().orElseThrow().imageToken(), pictures);
    }

    /// The picture of the case `one` of a model's folder.
    static SeenPicture picture(Path folder, Recorded expected, VisionConfig vision) {
        if (vision.lines().isEmpty() || expected.names().contains(TILES)) {
            return picture(expected, vision);
        }
        JsonNode json = Recorded.json(folder.resolve("expected.json"));
        return prepared(folder, json.at("/cases/one/messages"));
    }

    /// The picture of the case `one`, whose tiles lie as the folder says it.
    private static SeenPicture prepared(Path folder, JsonNode messages) {
        String name =
                messages.findParents("image").stream()
                        .map(part -> part.path("image").asText())
                        .findFirst()
                        .orElseThrow();
        Path file = Fixtures.fixture("vision/images").resolve(name);
        Prepared one =
                ImagePipeline.open(folder, ImagePipeline.Options.DEFAULT)
                        .orElseThrow()
                        .prepare(Picture.at(name, file), true);
        return new SeenPicture(one.key(), one.tokens(), () -> one);
    }

    private static int[] told(Recorded expected, VisionConfig vision) {
        if (vision.encoder().patches().times() > 0) {
            return expected.ints("one.image_grid_thw");
        }
        if (vision.lines().isEmpty()) {
            return new int[0];
        }
        int[] size = expected.ints("one.image_sizes");
        int[] tiles = expected.ints(TILES);
        return new int[] {size[0], size[1], tiles[0], tiles[1]};
    }

    /// The picture of the case `one`.
    private static SeenPicture picture(Recorded expected, VisionConfig vision) {
        float[] pixels = expected.floats("one.pixel_values");
        long[] shape = expected.shape("one.pixel_values"); // (tiles, 3, height, width), or patches
        boolean patches = vision.encoder().patches().times() > 0;
        int[] sizes =
                Arrays.stream(shape)
                        .skip(patches ? 0 : shape.length - 4)
                        .mapToInt(Math::toIntExact)
                        .toArray();
        int[] told = told(expected, vision);
        int rows =
                vision.lines().isPresent()
                        ? Math.toIntExact(expected.shape("one.image_features")[0])
                        : vision.rows(patches ? vision.grid(sizes, told) : vision.grid(sizes));
        int columns = patches ? told[2] / vision.connector().side() : 0;
        String key = "one of " + vision.modelType();
        return new SeenPicture(
                key, rows, columns, "", () -> new Prepared(pixels, sizes, told, rows, key));
    }
}
