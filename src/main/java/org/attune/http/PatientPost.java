package org.attune.http;

import org.attune.error.Excerpt;
import org.attune.error.ServerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

/// Posts JSON to a server. What may pass (no connection, 429, 5xx, no answer in time) is tried
/// again, with growing pauses, or after the time that the server names. Thread-safe.
///
/// @param post how a single request is sent
/// @param pause before the second attempt; doubles with each
/// @param advice what to do when a request fails
/// @param pace asked before each attempt
public record PatientPost(JsonPost post, Duration pause, Advice advice, Pace pace) {
    /// Attempts at most.
    public static final int ATTEMPTS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(PatientPost.class);
    private static final int SHOWN = 300;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    /// Requests with no pace but the server's.
    public PatientPost(JsonPost post, Duration pause, Advice advice) {
        this(post, pause, advice, () -> {});
    }

    /// What a user can do, as the ends of sentences.
    public interface Advice {
        /// The server gave no whole answer in time.
        String late();

        /// No connection came about, or it broke.
        String unreachable();

        /// The answer has more bytes than are accepted.
        String tooLarge();

        /// The server refused.
        ///
        /// @param status of HTTP, 300 or more
        String refused(int status);
    }

    /// Says when a request may go out.
    @FunctionalInterface
    public interface Pace {
        /// Waits until a request may go out.
        void await() throws InterruptedException;
    }

    /// Where requests go, for messages.
    public String shown() {
        return post.shown();
    }

    /// Posts a request.
    ///
    /// @return the body of the answer
    /// @throws ServerException if the server refuses it, or still fails at the last attempt
    public String send(String json) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            pace.await();
            Duration wait = pause.multipliedBy(1L << (attempt - 1));
            String problem;
            try {
                ServerReply answer = post.send(json);
                if (answer.status() / 100 == 2) {
                    return answer.body();
                }
                problem = problem(answer);
                if (answer.status() != 429 && answer.status() < 500) {
                    throw new ServerException(problem, answer.status());
                }
                wait = retryAfter(answer).orElse(wait);
            } catch (AnswerTooLargeException e) {
                problem = "%s %s; %s".formatted(shown(), e.getMessage(), advice.tooLarge());
            } catch (TimeoutException e) {
                problem =
                        "%s gave no whole answer in %s s; %s"
                                .formatted(
                                        shown(), post.timeout().toMillis() / 1000.0, advice.late());
            } catch (IOException e) {
                problem =
                        "%s can't be reached: %s; %s"
                                .formatted(
                                        shown(), HttpAsk.why(post.url(), e), advice.unreachable());
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedException("interrupted while a server worked");
            }
            if (attempt == ATTEMPTS) {
                throw new ServerException("%s (%d attempts)".formatted(problem, ATTEMPTS));
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
        return "%s answered with status %d: %s; %s"
                .formatted(
                        shown(),
                        answer.status(),
                        start(answer.body()),
                        advice.refused(answer.status()));
    }

    /// The beginning of an answer, for messages.
    public static String start(String body) {
        String text = body.strip();
        String begin = Excerpt.begin(text, SHOWN);
        // A server's text must not steer a terminal.
        return begin.isEmpty() ? "(nothing)" : begin.replaceAll("\\p{Cntrl}+", " ");
    }
}
