package org.attune.bench;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.AttuneException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Clients that stream answers of an OpenAI-compatible server, all at once: each asks one request
/// after the other. Prompts are random words, different ones in each request; no answer ends early.
///
/// @param url of the server, up to `/v1`
/// @param models names in requests, which clients take in turn: client `i` always asks one
/// @param key who is let in; empty: everybody
/// @param prompt words of a prompt
/// @param newTokens of an answer
/// @param requests of each client
/// @param extra further keys of each request, as a JSON object or empty
public record ServeBench(
        URI url,
        List<String> models,
        Optional<String> key,
        int prompt,
        int newTokens,
        int requests,
        Map<String, Object> extra) {
    private static final String[] WORDS =
            "time year people way day man thing woman life child world school state family student"
                    .split(" ");

    /// What is measured with so many clients at once.
    ///
    /// @param clients ≥ 1
    /// @param tokensPerSecond of all of them
    /// @param firstP50 milliseconds from a request to its first token: the median
    /// @param firstP95 of 100 requests 95 have their first token sooner
    /// @param betweenP50 milliseconds from a piece of an answer to the next: the median
    /// @param betweenP95 of 100 pieces 95 come sooner
    public record Load(
            int clients,
            double tokensPerSecond,
            double firstP50,
            double firstP95,
            double betweenP50,
            double betweenP95) {
        /// The names of the figures, then the figures.
        public static List<List<String>> table(List<Load> loads) {
            List<List<String>> rows = new ArrayList<>();
            rows.add(
                    List.of(
                            "clients",
                            "tokens/s",
                            "first token p50, ms",
                            "p95, ms",
                            "between tokens p50, ms",
                            "p95, ms"));
            for (Load load : loads) {
                List<String> row = new ArrayList<>(List.of(String.valueOf(load.clients)));
                for (double figure :
                        new double[] {
                            load.tokensPerSecond,
                            load.firstP50,
                            load.firstP95,
                            load.betweenP50,
                            load.betweenP95
                        }) {
                    row.add(BenchText.number(figure));
                }
                rows.add(row);
            }
            return rows;
        }
    }

    /// When the pieces of an answer came, in nanoseconds since the request was sent.
    private record Answer(List<Long> pieces) {}

    /// Measures with so many clients at once.
    ///
    /// @throws AttuneException if the server refuses a request, or ends an answer too soon
    public Load measure(int clients) {
        List<Callable<List<Answer>>> asking = new ArrayList<>();
        for (int client = 0; client < clients; client++) {
            var random = RandomSource.XO_SHI_RO_256_PP.create(1000L * clients + client);
            String model = models.get(client % models.size());
            asking.add(() -> asked(model, random));
        }
        long start = System.nanoTime();
        List<Answer> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<List<Answer>> client : threads.invokeAll(asking)) {
                answers.addAll(client.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AttuneException("interrupted", e);
        } catch (ExecutionException e) {
            throw new AttuneException(url + ": " + e.getCause().getMessage(), e.getCause());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        double[] first = answers.stream().mapToDouble(a -> a.pieces.getFirst() / 1e6).toArray();
        double[] between =
                answers.stream().flatMapToDouble(a -> Arrays.stream(gaps(a.pieces))).toArray();
        return new Load(
                clients,
                (double) answers.size() * newTokens / seconds,
                quantile(first, 0.5),
                quantile(first, 0.95),
                quantile(between, 0.5),
                quantile(between, 0.95));
    }

    private static double[] gaps(List<Long> pieces) {
        double[] gaps = new double[pieces.size() - 1];
        for (int i = 0; i < gaps.length; i++) {
            gaps[i] = (pieces.get(i + 1) - pieces.get(i)) / 1e6;
        }
        return gaps;
    }

    static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted.length == 0 ? 0 : sorted[(int) Math.ceil(share * sorted.length) - 1];
    }

    private List<Answer> asked(String model, UniformRandomProvider random) throws IOException {
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            answers.add(answer(model, random));
        }
        return answers;
    }

    private Answer answer(String model, UniformRandomProvider random) throws IOException {
        byte[] body = body(model, random).getBytes(StandardCharsets.UTF_8);
        long start = System.nanoTime();
        var connection =
                (HttpURLConnection)
                        url.resolve(url.getPath() + "/completions").toURL().openConnection();
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "application/json");
        key.ifPresent(k -> connection.setRequestProperty("Authorization", "Bearer " + k));
        connection.setFixedLengthStreamingMode(body.length);
        try (var out = connection.getOutputStream()) {
            out.write(body);
        }
        if (connection.getResponseCode() != 200) {
            throw new IOException(
                    "status %d: %s"
                            .formatted(
                                    connection.getResponseCode(),
                                    new String(
                                            connection.getErrorStream().readAllBytes(),
                                            StandardCharsets.UTF_8)));
        }
        List<Long> pieces = new ArrayList<>();
        long tokens = newTokens; // where the server doesn't say
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(
                                connection.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("data: {")) {
                    Map<?, ?> event = BenchJson.parse(line.substring(6), Map.class);
                    if (hasText(event)) {
                        pieces.add(System.nanoTime() - start);
                    }
                    tokens =
                            event.get("usage") instanceof Map<?, ?> u ? written(u, tokens) : tokens;
                }
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        if (tokens != newTokens || pieces.isEmpty()) {
            throw new IOException(
                    "an answer has %d tokens in %d pieces; %d were asked for, and ignore_eos"
                            .formatted(tokens, pieces.size(), newTokens));
        }
        return new Answer(pieces);
    }

    private static boolean hasText(Map<?, ?> event) {
        return event.get("choices") instanceof List<?> choices
                && !choices.isEmpty()
                && choices.getFirst() instanceof Map<?, ?> choice
                && choice.get("text") instanceof String text
                && !text.isEmpty();
    }

    private static long written(Map<?, ?> usage, long tokens) {
        return usage.get("completion_tokens") instanceof Number n ? n.longValue() : tokens;
    }

    private String body(String model, UniformRandomProvider random) {
        var text = new StringBuilder();
        for (int i = 0; i < prompt; i++) {
            text.append(i == 0 ? "" : " ").append(WORDS[random.nextInt(WORDS.length)]);
        }
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("model", model);
        body.put("prompt", text.toString());
        body.put("max_tokens", newTokens);
        body.put("temperature", 1);
        body.put("seed", random.nextInt(1 << 30));
        body.put("stream", true);
        body.put("ignore_eos", true);
        body.put("stream_options", Map.of("include_usage", true));
        body.putAll(extra);
        return BenchJson.line(body);
    }
}
