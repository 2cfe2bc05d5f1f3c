package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.policy.Divergence;
import org.attune.policy.HeadTerm;
import org.attune.rollout.source.ServerScores;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.attune.trainers.layout.CompletionForest;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Losses of teachers on servers beside those of TRL 1.16, recorded by
/// `trainers/src/test/recorded/make_served.py`.
class ServedLossesTest {
    private static final Path RECORDED =
            Fixtures.own("trainers/src/test/resources/recorded/served.json");
    private static final double NEAR = 1e-5; // float32 leaves little beside very likely tokens

    @Test
    void valuesAndGradientsAreThoseOfTrl() throws IOException {
        JsonNode cases = Json.tree(Files.readString(RECORDED));
        assertTrue(cases.size() >= 40, "cases: " + cases.size());
        Engine.run(
                () -> {
                    for (int i = 0; i < cases.size(); i++) {
                        try (var _ = TensorScope.open("case")) {
                            compare("case " + i, cases.get(i));
                        }
                    }
                });
    }

    private static void compare(String name, JsonNode c) {
        double beta = c.get("beta").asDouble();
        TeacherConfig alone =
                TeacherConfig.defaults()
                        .withTeacherModelServerUrl("http://localhost:1")
                        .withLossTopK(c.get("loss_top_k").asInt())
                        .withLossAddTail(c.get("loss_add_tail").asBoolean());
        TeacherConfig config =
                c.get("compared_tokens").isNull()
                        ? alone
                        : alone.withComparedTokens(TeacherConfig.Compared.WRITTEN);
        assertEquals(List.of(), config.problems(1, beta), name);
        float[] logits = floats(c.get("student_logits"));
        int vocabulary = c.get("student_logits").get(0).size();
        int[] written = ints(c.get("written"));
        ServerScores scores = mock();
        when(scores.of(any())).thenReturn(List.of(told(config.likeliest(beta), c)));
        var teacher =
                new ServerTeacher(
                        scores,
                        config.told(beta),
                        config.likeliest(beta),
                        config.lossAddTail(),
                        vocabulary,
                        Map.of());
        var rows = List.of(new CompletionForest.Row(new int[] {1}, written));
        try (var read = teacher.read(CompletionForest.of(rows, true), rows)) {
            HeadTerm term = HeadTerm.of(Divergence.of(beta), read);
            Tensor z = Tensor.of(Devices.usual(), logits, written.length, vocabulary);
            double loss = term.values(z, 0, 1).sum().item();
            double expected = c.get("loss").asDouble();
            assertEquals(expected, loss, NEAR * Math.max(1, expected), name + ": " + c);
            float[] slopes = term.slopes(z, 0, 1).toFloats();
            float[] gradients = floats(c.get("gradients"));
            for (int v = 0; v < gradients.length; v++) {
                assertEquals(gradients[v], slopes[v], 2 * NEAR, name + ", gradient " + v);
            }
        }
    }

    /// What the server answers that is asked for the likeliest.
    private static ServerScores.Told told(int likeliest, JsonNode c) {
        int places = c.get("ids").size();
        int[] ids = new int[places * likeliest];
        float[] logProbs = new float[places * likeliest];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = c.get("ids").get(i / likeliest).get(i % likeliest).asInt();
            logProbs[i] =
                    (float) c.get("logprobs").get(i / likeliest).get(i % likeliest).asDouble();
        }
        return new ServerScores.Told(ids, logProbs, floats(c.get("written_logprobs")));
    }

    private static int[] ints(JsonNode numbers) {
        int[] ints = new int[numbers.size()];
        Arrays.setAll(ints, i -> numbers.get(i).asInt());
        return ints;
    }

    /// The numbers of a list, or of the lists in it one after the other.
    private static float[] floats(JsonNode numbers) {
        if (!numbers.get(0).isArray()) {
            float[] floats = new float[numbers.size()];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = (float) numbers.get(i).asDouble();
            }
            return floats;
        }
        int wide = numbers.get(0).size();
        float[] all = new float[numbers.size() * wide];
        for (int i = 0; i < all.length; i++) {
            all[i] = (float) numbers.get(i / wide).get(i % wide).asDouble();
        }
        return all;
    }
}
