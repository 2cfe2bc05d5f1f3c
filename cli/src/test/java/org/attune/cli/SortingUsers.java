package org.attune.cli;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.feedback.GivenAnswer;
import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.GivenAnswer.Usage;
import org.attune.feedback.Judgement;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Opinion;
import org.attune.json.Json;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.serve.ModelServer;
import org.attune.serve.ServeConfig;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Users who have a served model sort digits, and complain of what is wrong. Owns the server.
final class SortingUsers implements AutoCloseable {
    private static final Path MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model").toAbsolutePath();
    private static final int USERS = 20;

    private final HttpClient client = HttpClient.newHttpClient();
    private final ModelServer server;

    /// @param store where the server keeps answers
    SortingUsers(String store) {
        server =
                ModelServer.open(
                        ServeConfig.of(
                                        ModelConfig.of(MODEL.toString())
                                                .withDtype(DtypeChoice.FLOAT32))
                                .withName("helper")
                                .withFeedback(store)
                                .withPort(0));
    }

    /// A question with its answer and judgements.
    record Asked(String question, GivenAnswer answer, List<Judgement> judgements) {
        /// This, judged otherwise.
        Asked judged(Opinion opinion) {
            Judgement old = judgements.getFirst();
            return new Asked(
                    question,
                    answer,
                    List.of(new Judgement(old.id(), old.choice(), old.user(), opinion, "")));
        }
    }

    private static String question(Random random) {
        return IntStream.range(0, 4)
                .mapToObj(_ -> String.valueOf(random.nextInt(10)))
                .collect(Collectors.joining(" ", "Sort ascending: ", ""));
    }

    /// The right answer.
    static String sorted(String question) {
        return question.replaceFirst(".*: ", "")
                .chars()
                .filter(Character::isDigit)
                .sorted()
                .mapToObj(digit -> String.valueOf((char) digit))
                .collect(Collectors.joining(" "));
    }

    /// Questions that were answered with their own digits, and corrected by users in turn.
    static List<Asked> careless(int count, long seed) {
        var random = new Random(seed);
        List<Asked> asked = new ArrayList<>();
        while (asked.size() < count) {
            String question = question(random);
            String answer = question.replaceFirst(".*: ", "");
            if (!answer.equals(sorted(question))) {
                String id = "a" + seed + "-" + asked.size();
                String user = "user" + asked.size() % USERS;
                asked.add(
                        new Asked(
                                question,
                                new GivenAnswer(
                                        id,
                                        0,
                                        Instant.now(),
                                        user,
                                        new Origin("helper", "helper", MODEL.toString(), "", ""),
                                        List.of(Map.of("role", "user", "content", question)),
                                        List.of(),
                                        Map.of("role", "assistant", "content", answer),
                                        new Usage(10, 8, "stop")),
                                List.of(
                                        new Judgement(
                                                id,
                                                0,
                                                user,
                                                new Corrected(sorted(question)),
                                                ""))));
            }
        }
        return asked;
    }

    private JsonNode post(String path, Map<String, Object> body) throws Exception {
        HttpResponse<String> response =
                client.send(
                        HttpRequest.newBuilder(server.url().resolve("/v1/" + path))
                                .header("Content-Type", "application/json")
                                .POST(BodyPublishers.ofString(Json.write(body)))
                                .build(),
                        BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException(response.body());
        }
        return Json.tree(response.body());
    }

    private JsonNode ask(String question, String user, double temperature) throws Exception {
        return post(
                "chat/completions",
                Map.of(
                        "model",
                        "helper",
                        "messages",
                        List.of(Map.of("role", "user", "content", question)),
                        "max_tokens",
                        12L,
                        "temperature",
                        temperature,
                        "seed",
                        1L,
                        "user",
                        user));
    }

    private static String text(JsonNode answer) {
        return answer.at("/choices/0/message/content").asText().strip();
    }

    /// Asks, likes what is right, and corrects the rest.
    ///
    /// @return the questions
    Set<String> complain(int count, long seed) throws Exception {
        var random = new Random(seed);
        Set<String> asked = new HashSet<>();
        while (asked.size() < count) {
            String question = question(random);
            if (asked.add(question)) {
                String right = sorted(question);
                JsonNode answer = ask(question, "user" + asked.size() % USERS, 1);
                String id = answer.get("id").asText();
                post(
                        "feedback",
                        text(answer).equals(right)
                                ? Map.of("id", id, "label", "up")
                                : Map.of("id", id, "label", "down", "corrected", right));
            }
        }
        return asked;
    }

    /// The share of right answers to questions that nobody has asked, always the same ones.
    double right(int count, long seed, Set<String> asked) throws Exception {
        var random = new Random(seed);
        int right = 0;
        for (int n = 0; n < count; ) {
            String question = question(random);
            if (!asked.contains(question)) {
                n++;
                right += text(ask(question, "judge", 0)).equals(sorted(question)) ? 1 : 0;
            }
        }
        return (double) right / count;
    }

    /// Waits until requests are answered by this.
    void await(String answering) throws Exception {
        for (int i = 0; i < 100; i++) {
            if (ask("Sort ascending: 3 1 2 4", "judge", 0)
                    .get("model")
                    .asText()
                    .equals(answering)) {
                return;
            }
            Thread.sleep(100);
        }
        throw new AssertionError(answering + " doesn't answer");
    }

    @Override
    public void close() {
        client.close();
        server.close();
    }
}
