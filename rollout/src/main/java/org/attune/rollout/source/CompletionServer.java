package org.attune.rollout.source;

import org.attune.error.RolloutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A server with the OpenAI kind of `/completions`. What may pass (no connection, 429, 5xx, no
/// answer in time) is tried again, with growing pauses. Thread-safe.
final class CompletionServer implements AutoCloseable {
    static final int ATTEMPTS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(CompletionServer.class);
    private static final int SHOWN = 300;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final URI url;
    private final Duration timeout;
    private final Optional<String> key;
    private final Duration pause;
    private final long largest;
    // Version 1.1: small servers stumble over the offer to change to 2.
    private final HttpClient client =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(10))
                    .build();

    /// @param base up to `/v1`
    /// @param timeout of one answer, from the request to its last byte
    /// @param largest bytes of an answer at most
    /// @param key sent as bearer token
    /// @param pause before the second attempt; doubles with each
    CompletionServer(
            String base, Duration timeout, long largest, Optional<String> key, Duration pause) {
        url = URI.create(base.replaceFirst("/+$", "") + "/completions");
        this.timeout = timeout;
        this.largest = largest;
        this.key = key;
        this.pause = pause;
    }

    URI url() {
        return url;
    }

    /// Posts a request.
    ///
    /// @return the body of the answer
    /// @throws RolloutException if the server refuses it, or still fails at the last attempt
    String post(String json) throws InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(url)
                        .timeout(timeout)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(json));
        key.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
        for (int attempt = 1; ; attempt++) {
            Duration wait = pause.multipliedBy(1L << (attempt - 1));
            String problem;
            try {
                HttpResponse<String> answer = answer(request.build());
                if (answer.statusCode() / 100 == 2) {
                    return answer.body();
                }
                problem = problem(answer);
                if (answer.statusCode() != 429 && answer.statusCode() < 500) {
                    throw new RolloutException(problem);
                }
                wait = retryAfter(answer).orElse(wait);
            } catch (AnswerTooLargeException e) {
                problem = "%s %s".formatted(url, e.getMessage());
            } catch (HttpTimeoutException | TimeoutException e) {
                problem =
                        "%s gave no whole answer in %s s; raise rollout_server_timeout, lower max_completion_length or rollout_server_concurrency"
                                .formatted(url, timeout.toMillis() / 1000.0);
            } catch (IOException e) {
                problem =
                        "%s can't be reached: %s; start the server, or correct rollout_server_base_url"
                                .formatted(url, e);
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedException("another request of the round failed");
            }
            if (attempt == ATTEMPTS) {
                throw new RolloutException("%s (%d attempts)".formatted(problem, ATTEMPTS));
            }
            LOG.warn("attempt {} of {}: {}", attempt, ATTEMPTS, problem);
            Thread.sleep(wait.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : wait);
        }
    }

    /// Sends a request. The client's own timeout ends with the answer's headers, this one with
    /// its last byte.
    private HttpResponse<String> answer(HttpRequest request)
            throws IOException, TimeoutException, InterruptedException {
        CompletableFuture<HttpResponse<String>> answer =
                client.sendAsync(request, BoundedText.handler(largest));
        try {
            return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException(e.getCause());
        } finally {
            answer.cancel(true); // closes the connection where it isn't done
        }
    }

    private static Optional<Duration> retryAfter(HttpResponse<String> answer) {
        return answer.headers()
                .firstValue("Retry-After")
                .filter(seconds -> seconds.matches("\\d{1,4}"))
                .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)));
    }

    private String problem(HttpResponse<String> answer) {
        String remedy =
                switch (answer.statusCode()) {
                    case 400, 422 ->
                            "it must take token ids as prompt and hold max_completion_length tokens"
                                    + " after it";
                    case 401, 403 -> "set " + ServerRollouts.KEY_VARIABLE + " to the server's key";
                    case 404 ->
                            "rollout_server_base_url ends with /v1, and rollout_server_model is a"
                                    + " name that the server knows";
                    case 429 -> "lower rollout_server_concurrency";
                    default -> "see the server's own log";
                };
        return "%s answered with status %d: %s; %s"
                .formatted(url, answer.statusCode(), start(answer.body()), remedy);
    }

    /// The beginning of an answer, for messages.
    static String start(String body) {
        String text = body.strip();
        String begin = text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
        // A server's text must not steer a terminal.
        return begin.isEmpty() ? "(nothing)" : begin.replaceAll("\\p{Cntrl}+", " ");
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
