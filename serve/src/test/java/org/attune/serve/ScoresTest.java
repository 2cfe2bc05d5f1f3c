package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.files.HubCache;
import org.attune.model.layer.Decoder;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.models.TrainedModelWriter;
import org.attune.models.score.AnswerScorer;
import org.attune.policy.Policy;
import org.attune.tensor.Engine;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

class ScoresTest {
    private static final List<String> ANSWERS = List.of("1 2 3", "3 2 1", "2", "1 2 3 4 5");

    @TempDir static Path folder;

    @BeforeAll
    static void writeModels() {
        write("reward", ScorerPurpose.REWARD, d -> Policy.withAllWeights(d, options()));
        write("steps", ScorerPurpose.PROCESS_REWARD, d -> Policy.withAllWeights(d, options()));
        write(
                "adapter",
                ScorerPurpose.REWARD,
                d ->
                        Policy.withFreshAdapter(
                                d, adapter(), RandomSource.XO_SHI_RO_256_PP.create(3), options()));
    }

    private static Policy.Options options() {
        return Policy.Options.defaults();
    }

    private static LoraConfig adapter() {
        return new LoraConfig(
                4,
                400,
                0,
                false,
                false,
                new ModuleSelection.Names(List.of("q_proj", "down_proj")),
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                List.of("score"),
                false,
                LoraInitialisation.RANDOM_BOTH,
                LoraConfig.SEQ_CLS,
                Optional.empty());
    }

    private static void write(
            String name, ScorerPurpose purpose, Function<Decoder, Policy> trained) {
        ModelConfig config = ModelConfig.of(AskedServer.MODEL.toAbsolutePath().toString());
        Engine.run(
                () -> {
                    try (var setup = ModelSetup.open(config, new HubCache(folder));
                            Decoder decoder = setup.loadScorer(purpose, 5);
                            Policy policy = trained.apply(decoder)) {
                        new TrainedModelWriter(setup, policy).write(folder.resolve(name));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }

    private static ModelConfig model(String name) {
        return ModelConfig.of(folder.resolve(name).toString()).withDtype(DtypeChoice.FLOAT32);
    }

    private static AskedServer server(String name) {
        return new AskedServer(c -> c.withModel(model(name)));
    }

    private static List<Double> numbers(JsonNode list, String at) {
        List<Double> numbers = new ArrayList<>();
        list.forEach(one -> numbers.add(one.at(at).asDouble()));
        return numbers;
    }

    private static void assertClose(List<Double> expected, List<Double> got) {
        assertEquals(expected.size(), got.size());
        for (int i = 0; i < got.size(); i++) {
            assertEquals(expected.get(i), got.get(i), 1e-5, "number " + i);
        }
    }

    private static String quoted(List<String> texts) {
        return "[\"" + String.join("\",\"", texts) + "\"]";
    }

    @Test
    void pairsTextsAndConversationsAreScored() {
        List<Double> scores;
        try (AnswerScorer alone = AnswerScorer.open(model("reward"))) {
            scores = doubles(alone.score("Sort 3 1 2", ANSWERS));
        }
        assertEquals(4, scores.stream().distinct().count(), scores.toString());
        try (var server = server("reward")) {
            JsonNode one =
                    server.ask(
                            "/v1/score",
                            "{\"text_1\":\"Sort 3 1 2\",\"text_2\":" + quoted(ANSWERS) + "}");
            assertClose(scores, numbers(one.path("data"), "/score"));
            assertTrue(one.at("/usage/prompt_tokens").asInt() > 8, one.toString());
            String many = quoted(Collections.nCopies(4, "Sort 3 1 2"));
            JsonNode each =
                    server.ask(
                            "/score",
                            "{\"queries\":%s,\"documents\":%s,\"use_activation\":true}"
                                    .formatted(many, quoted(ANSWERS)));
            List<Double> activated =
                    scores.stream().map(score -> 1 / (1 + Math.exp(-score))).toList();
            assertClose(activated, numbers(each.path("data"), "/score"));
            List<String> chats =
                    ANSWERS.stream()
                            .map(
                                    ("[{\"role\":\"user\",\"content\":\"Sort 3 1 2\"},"
                                         + "{\"role\":\"assistant\",\"content\":\"%s\"}]")
                                            ::formatted)
                            .toList();
            JsonNode evaluated = server.ask("/v1/score/evaluation", "{\"messages\":" + chats + "}");
            assertEquals("score.evaluation", evaluated.path("object").asText());
            assertClose(scores, numbers(evaluated.path("scores"), ""));
            JsonNode cut =
                    server.ask(
                            "/v1/score/evaluation",
                            "{\"messages\":[\"1 2 3 4\",\"1 2\"],\"max_length\":3}");
            JsonNode whole =
                    server.ask("/v1/score/evaluation", "{\"messages\":[\"1 2 3 4\",\"1 2\"]}");
            assertEquals(whole.at("/scores/1").asDouble(), cut.at("/scores/1").asDouble(), 1e-5);
            assertEquals(cut.at("/scores/0").asDouble(), cut.at("/scores/1").asDouble(), 1e-5);
            assertNotEquals(whole.at("/scores/0").asDouble(), cut.at("/scores/0").asDouble(), 1e-5);
            ranks(server, scores);
        }
    }

    private static void ranks(AskedServer server, List<Double> scores) {
        JsonNode ranked =
                server.ask(
                        "/v1/rerank",
                        "{\"query\":\"Sort 3 1 2\",\"documents\":%s,\"top_n\":3}"
                                .formatted(quoted(ANSWERS)));
        List<Double> best = new ArrayList<>(scores);
        best.sort(Collections.reverseOrder());
        assertClose(best.subList(0, 3), numbers(ranked.path("results"), "/relevance_score"));
        ranked.path("results")
                .forEach(
                        r ->
                                assertEquals(
                                        ANSWERS.get(r.path("index").asInt()),
                                        r.at("/document/text").asText()));
    }

    private static List<Double> doubles(double[] numbers) {
        List<Double> list = new ArrayList<>();
        for (double number : numbers) {
            list.add(number);
        }
        return list;
    }

    @Test
    void stepsAreScoredOneByOne() {
        try (var server = server("steps")) {
            JsonNode judged =
                    server.ask(
                                    "/v1/score",
                                    "{\"text_1\":\"Sort 3 1 2\",\"text_2\":\"1\\n1 2\\n1 2 3\"}")
                            .at("/data/0");
            List<Double> steps = numbers(judged.path("step_scores"), "");
            assertEquals(3, steps.size());
            assertEquals(Collections.min(steps), judged.path("score").asDouble());
            assertTrue(Collections.min(steps) > 0 && Collections.max(steps) < 1, steps.toString());
            refused(server, "/v1/score/evaluation", "{\"messages\":[\"1\"]}", "where the solution");
        }
    }

    /// An adapter with a score head stands on the weights of the model that chats.
    @Test
    void aModelThatChatsCanHaveAJudgeOnItsWeights() {
        String pair = "\"text_1\":\"Sort 3 1 2\",\"text_2\":" + quoted(ANSWERS) + "}";
        List<Double> alone;
        try (var server = server("adapter")) { // with the base that it names
            alone = numbers(server.ask("/v1/score", "{" + pair).path("data"), "/score");
            refused(server, "/v1/chat/completions", "{}", "is a reward model");
            refused(server, "/v1/completions", "{\"prompt\":\"1\"}", "is a reward model");
        }
        assertEquals(4, alone.stream().distinct().count(), alone.toString());
        String before;
        try (var server = new AskedServer(c -> c)) {
            before = server.chat(",\"temperature\":0,\"max_tokens\":8").at("/choices/0").toString();
            refused(server, "/v1/score", "{" + pair, "start the server with a reward model");
        }
        Map<String, String> judge = Map.of("judge", folder.resolve("adapter").toString());
        try (var server = new AskedServer(c -> c.withAdapters(judge).withName("base"))) {
            String chat = ",\"temperature\":0,\"max_tokens\":8";
            assertEquals(before, server.chat(chat).at("/choices/0").toString());
            JsonNode scored = server.ask("/v1/score", "{\"model\":\"judge\"," + pair);
            assertClose(alone, numbers(scored.path("data"), "/score"));
            refused(server, "/v1/rerank", "{}", "reward models here: judge");
            refused(server, "/v1/chat/completions", "{\"model\":\"judge\"}", "scores answers");
            JsonNode models = AskedServer.tree(server.get("/v1/models").body()).path("data");
            assertEquals(2, models.size());
        }
    }

    @Test
    void whatCannotBeScoredIsRefused() {
        try (var server = server("reward")) {
            String much = "1 ".repeat(3000);
            String few = "{\"text_1\":[\"a\",\"b\"],\"text_2\":[\"c\",\"d\",\"e\"]}";
            refused(server, "/v1/score", few, "one, or as many");
            refused(server, "/v1/score", "{\"text_1\":\"a\"}", "text_2");
            refused(
                    server,
                    "/v1/score",
                    "{\"text_1\":\"a\",\"text_2\":\"" + much + "\"}",
                    "tokens");
            refused(server, "/v1/score", "{\"text1\":\"a\"}", "did you mean");
            refused(server, "/v1/score", "{\"truncate_prompt_tokens\":3}", "scored whole");
            refused(server, "/v1/score/evaluation", "{\"messages\":[1]}", "messages[0]");
            refused(server, "/v1/score/evaluation", "{\"messages\":[\"\"]}", "no tokens");
            refused(server, "/rerank", "{\"query\":\"a\",\"documents\":[]}", "documents");
        }
    }

    private static void refused(AskedServer server, String path, String body, String part) {
        HttpResponse<String> response = server.post(path, body);
        assertEquals(400, response.statusCode(), response.body());
        assertTrue(response.body().contains(part), response.body());
    }
}
