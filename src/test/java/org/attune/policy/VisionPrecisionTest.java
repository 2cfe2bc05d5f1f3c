package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.VisionConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/// Models of text and images in bfloat16: as near to float32 as transformers' are.
@Tag("fixtures-engine")
class VisionPrecisionTest {
    /// Distances of transformers 5.24 with torch 2.10, eager attention, from its own float32 in the
    /// case `one`.
    ///
    /// @param logProbs root of the mean square of differences
    /// @param gradients length of the difference of small tensors' gradients, as a part of theirs
    private record Distance(double logProbs, double gradients) {}

    private static final Map<String, Distance> OF_TRANSFORMERS =
            Map.ofEntries(
                    Map.entry("gemma3", new Distance(0.01096, 0.01586)),
                    Map.entry("idefics3", new Distance(0.01769, 0.02374)),
                    Map.entry("internvl", new Distance(0.01354, 0.02919)),
                    Map.entry("llava", new Distance(0.01341, 0.01268)),
                    Map.entry("llava_next", new Distance(0.01192, 0.00707)),
                    Map.entry("llava_onevision", new Distance(0.00989, 0.00604)),
                    Map.entry("mistral3", new Distance(0.01167, 0.02799)),
                    Map.entry("paligemma", new Distance(0.00911, 0.01802)),
                    Map.entry("pixtral", new Distance(0.01551, 0.04078)),
                    Map.entry("qwen2_5_vl", new Distance(0.01068, 0.01845)),
                    Map.entry("qwen2_vl", new Distance(0.01237, 0.01673)),
                    Map.entry("qwen3_vl", new Distance(0.01263, 0.02765)),
                    Map.entry("smolvlm", new Distance(0.01421, 0.02339)));

    /// Order of sums is luck: another one gives other roundings, about as large.
    private static final double LUCK = 2;

    @Test
    void bfloat16IsAsNearToFloat32AsInTransformers() {
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (Path folder : Recorded.folders(Fixtures.fixture("vision/models"))) {
                String name = folder.getFileName().toString();
                if (OF_TRANSFORMERS.containsKey(name)) {
                    report.run(name, () -> Engine.run(() -> compare(folder, name)));
                }
            }
        }
    }

    private static void compare(Path folder, String name) {
        Distance most = OF_TRANSFORMERS.get(name);
        Distance own = distance(folder);
        System.out.printf("%s: %s, transformers %s%n", name, own, most);
        assertTrue(own.logProbs() < LUCK * most.logProbs(), name + ": " + own);
        assertTrue(own.gradients() < LUCK * most.gradients(), name + ": " + own);
    }

    private static Distance distance(Path folder) {
        DecoderConfig config = DecoderConfig.read(folder);
        var options = new Policy.Options(Recomputation.NONE, false, 0, false);
        try (var _ = TensorScope.open("test");
                var file = SafeTensorsFile.open(folder);
                var decoder = Decoder.load(config, file, Devices.usual(), DType.BFLOAT16);
                var expected = Recorded.tensors(folder.resolve("expected.safetensors"));
                var policy = Policy.withAllWeights(decoder, options)) {
            VisionConfig vision = config.vision().orElseThrow();
            SeenPicture picture = VisionModelsTest.picture(folder, expected, vision);
            int[] ids = VisionModelsTest.one(expected, config, picture);
            TokenForest forest = RecordedModelsTest.rows(ids, ids.length);
            int first = Math.max(0, SeenPicture.promptLength(ids) - 1); // predicts the answer
            try (var evaluation = policy.evaluate(forest, HeadRequest.of())) {
                float[] said = evaluation.measurement().tokenLogProbs();
                float[] weights = new float[said.length];
                Arrays.fill(weights, first, weights.length, -1f / (weights.length - first));
                evaluation.backward(weights);
                float[] wanted = expected.floats("one.target_logprobs");
                double squares = squares(wanted, said, first);
                double logProbs = Math.sqrt(squares / (said.length - first));
                return new Distance(logProbs, gradients(policy, vision, expected));
            }
        }
    }

    private static double gradients(Policy policy, VisionConfig vision, Recorded expected) {
        double difference = 0;
        double size = 0;
        for (var p : policy.parameters().parameters()) {
            String name = "one.grad." + vision.names().inFile(p.name());
            if (expected.names().contains(name)) {
                float[] wanted = expected.floats(name);
                float[] own = policy.parameters().gradient(p).toFloats();
                difference += squares(wanted, own, 0);
                size += squares(wanted, new float[wanted.length], 0);
            }
        }
        return Math.sqrt(difference / size);
    }

    private static double squares(float[] a, float[] b, int first) {
        double sum = 0;
        for (int i = first; i < a.length; i++) {
            sum += (a[i] - b[i]) * (double) (a[i] - b[i]);
        }
        return sum;
    }
}
