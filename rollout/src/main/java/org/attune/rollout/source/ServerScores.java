package org.attune.rollout.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.AttuneException;
import org.attune.error.RolloutException;
import org.attune.error.StopRequest;
import org.attune.http.PatientPost;
import org.attune.json.Json;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// Asks a server with the OpenAI kind of `/v1/completions` what it expected at each token of given
/// sequences: its most probable tokens and the one that stands there, with their log-probabilities.
/// A sequence goes out as token ids, one request each.
///
/// Ids must come back with the log-probabilities: as vLLM's `prompt_logprobs`, or in
/// `logprobs.top_logprobs` of the echoed prompt, as `token_id:N`.
public final class ServerScores {
    private static final long ANSWER = 4 << 20;
    private static final long ANSWER_PER_TOKEN = 1 << 10;
    private static final int STOP_CHECK_MILLIS = 100;
    private static final String ID = "token_id:";

    private final CompletionServer server;
    private final String model;
    private final int concurrency;
    private final int count;

    /// @param connection where the server is; without a model's name, the first one that the server
    ///     lists is asked
    /// @param count how many tokens it tells for each place, ≥ 1
    /// @param longest most tokens of a sequence
    public ServerScores(ServerRollouts.Connection connection, int count, int longest) {
        server =
                new CompletionServer(
                        connection.baseUrls().getFirst(),
                        connection.timeout(),
                        ANSWER + ANSWER_PER_TOKEN * longest * (count + 1L),
                        connection.key(),
                        connection.pause());
        model = connection.model().isEmpty() ? server.firstModel() : connection.model();
        concurrency = connection.concurrency();
        this.count = count;
    }

    /// The teacher's name on the server.
    public String model() {
        return model;
    }

    /// Places of a sequence.
    ///
    /// @param ids the sequence
    /// @param from first place, ≥ 1: of a first token nobody expects anything
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Asked(int[] ids, int from) {}

    /// The most probable tokens at the places of a sequence, from the likeliest on.
    ///
    /// @param ids row-major, `(n, K)`
    /// @param logProbs natural logarithms, `(n, K)`
    /// @param written those of the tokens that stand there, `(n)`; NaN where they aren't told
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Told(int[] ids, float[] logProbs, float[] written) {}

    private record Answer(int index, Told told) {}

    /// @return one for each sequence, in their order
    /// @throws RolloutException naming the server, if it refuses a request, keeps failing or
    ///     answers what can't be read
    /// @throws CancellationException if the waiting thread is interrupted
    public List<Told> of(List<Asked> sequences) {
        Told[] told = new Told[sequences.size()];
        ExecutorService threads =
                Executors.newFixedThreadPool(
                        concurrency, Thread.ofVirtual().name("teacher-", 1).factory());
        try {
            CompletionService<Answer> answers = new ExecutorCompletionService<>(threads);
            for (int i = 0; i < told.length; i++) {
                int index = i;
                answers.submit(() -> new Answer(index, ask(sequences.get(index))));
            }
            for (int n = 0; n < told.length; n++) {
                Answer answer = next(answers).get();
                told[answer.index()] = answer.told();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while the teacher's server worked");
        } catch (ExecutionException e) {
            throw new RolloutException(
                    e.getCause() instanceof AttuneException known
                            ? known.getMessage()
                            : server.shown() + ": " + e.getCause(),
                    e.getCause());
        } finally {
            threads.shutdownNow();
        }
        return List.of(told);
    }

    /// The next answer, while nobody wishes the run to stop.
    private static Future<Answer> next(CompletionService<Answer> answers)
            throws InterruptedException {
        while (true) {
            StopRequest.check();
            Future<Answer> answer = answers.poll(STOP_CHECK_MILLIS, TimeUnit.MILLISECONDS);
            if (answer != null) {
                return answer;
            }
        }
    }

    private Told ask(Asked asked) throws InterruptedException {
        String body = server.post(request(asked.ids()));
        try {
            return told(asked, places(Json.tree(body).path("choices").path(0)));
        } catch (JsonProcessingException | RolloutException e) {
            throw new RolloutException(
                    "%s: %s; it answered %s"
                            .formatted(server.shown(), e.getMessage(), PatientPost.start(body)),
                    e);
        }
    }

    private String request(int[] ids) {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("model", model);
        request.put("prompt", ServerRequest.text(ids));
        request.put("max_tokens", 1); // servers refuse 0
        request.put("temperature", 1.0);
        request.put("echo", true);
        request.put("logprobs", count);
        request.put("prompt_logprobs", count);
        request.put("return_tokens_as_token_ids", true);
        request.put("stream", false);
        return Json.compact(request);
    }

    /// An object of tokens for each place, of the first one perhaps null.
    private static JsonNode places(JsonNode choice) {
        JsonNode prompt = choice.path("prompt_logprobs");
        return prompt.isArray() ? prompt : choice.path("logprobs").path("top_logprobs");
    }

    private Told told(Asked asked, JsonNode places) {
        if (places.size() < asked.ids().length) {
            throw new RolloutException(
                    "it tells the log-probabilities of %d places, the sequence has %d; it must take prompt_logprobs, or echo with logprobs"
                            .formatted(places.size(), asked.ids().length));
        }
        int rows = asked.ids().length - asked.from();
        int[] ids = new int[rows * count];
        float[] logProbs = new float[rows * count];
        float[] written = new float[rows];
        for (int r = 0; r < rows; r++) {
            int stands = asked.ids()[asked.from() + r];
            List<Token> best = best(places.get(asked.from() + r));
            written[r] = logProb(best, stands);
            for (int k = 0; k < count; k++) {
                ids[r * count + k] = best.get(k).id();
                logProbs[r * count + k] = (float) best.get(k).logProb();
            }
        }
        return new Told(ids, logProbs, written);
    }

    private record Token(int id, double logProb) {}

    private static float logProb(List<Token> tokens, int id) {
        return (float)
                tokens.stream()
                        .filter(token -> token.id() == id)
                        .mapToDouble(Token::logProb)
                        .findFirst()
                        .orElse(Double.NaN);
    }

    /// The likeliest tokens of a place, to which servers add the one that stands there.
    private List<Token> best(JsonNode place) {
        List<Token> tokens = new ArrayList<>();
        place.properties().forEach(e -> tokens.add(token(e.getKey(), e.getValue())));
        tokens.sort(Comparator.comparingDouble(Token::logProb).reversed());
        if (tokens.size() < count) {
            throw new RolloutException(
                    "it tells %d tokens of a place; loss_top_k asks for %d"
                            .formatted(tokens.size(), count));
        }
        return tokens;
    }

    private static Token token(String name, JsonNode value) {
        String id = name.startsWith(ID) ? name.substring(ID.length()) : name;
        double logProb = (value.isObject() ? value.path("logprob") : value).asDouble(Double.NaN);
        if (!id.matches("\\d{1,9}") || !(logProb <= 0)) {
            throw new RolloutException(
                    "it tells a token \"%s\" with the log-probability %s; accepted: ids with numbers <= 0"
                            .formatted(name, logProb));
        }
        return new Token(Integer.parseInt(id), logProb);
    }
}
