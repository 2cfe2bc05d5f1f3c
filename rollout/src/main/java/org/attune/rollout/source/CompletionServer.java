package org.attune.rollout.source;

import org.attune.error.RolloutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

/// A server with the OpenAI kind of `/completions`. What may pass (no connection, 429, 5xx, no
/// answer in time) is tried again, with growing pauses. Thread-safe.
final class CompletionServer {
    static final int ATTEMPTS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(CompletionServer.class);
    private static final int SHOWN = 300;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final JsonPost post;
    private final Duration pause;

    /// @param base up to `/v1`
    /// @param timeout of one answer, from the request to its last byte
    /// @param largest bytes of an answer at most
    /// @param key sent as bearer token
    /// @param pause before the second attempt; doubles with each
    CompletionServer(
            String base, Duration timeout, long largest, Optional<String> key, Duration pause) {
        URI url = URI.create(base.replaceFirst("/+$", "") + "/completions");
        this.post = new JsonPost(url, timeout, largest, key);
        this.pause = pause;
    }

    URI url() {
        return post.url();
    }

    /// Posts a request.
    ///
    /// @return the body of the answer
    /// @throws RolloutException if the server refuses it, or still fails at the last attempt
    String post(String json) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            Duration wait = pause.multipliedBy(1L << (attempt - 1));
            String problem;
            try {
                ServerReply answer = post.send(json);
                if (answer.status() / 100 == 2) {
                    return answer.body();
                }
                problem = problem(answer);
                if (answer.status() != 429 && answer.status() < 500) {
                    throw new RolloutException(problem);
                }
                wait = retryAfter(answer).orElse(wait);
            } catch (AnswerTooLargeException e) {
                problem = "%s %s".formatted(url(), e.getMessage());
            } catch (TimeoutException e) {
                problem =
                        "%s gave no whole answer in %s s; raise rollout_server_timeout, lower max_completion_length or rollout_server_concurrency"
                                .formatted(url(), post.timeout().toMillis() / 1000.0);
            } catch (IOException e) {
                problem =
                        "%s can't be reached: %s; start the server, or correct rollout_server_base_url"
                                .formatted(url(), e);
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

    private static Optional<Duration> retryAfter(ServerReply answer) {
        return answer.retryAfter()
                .filter(seconds -> seconds.matches("\\d{1,4}"))
                .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds)));
    }

    private String problem(ServerReply answer) {
        String remedy =
                switch (answer.status()) {
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
                .formatted(url(), answer.status(), start(answer.body()), remedy);
    }

    /// The beginning of an answer, for messages.
    static String start(String body) {
        String text = body.strip();
        String begin = text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
        // A server's text must not steer a terminal.
        return begin.isEmpty() ? "(nothing)" : begin.replaceAll("\\p{Cntrl}+", " ");
    }
}
