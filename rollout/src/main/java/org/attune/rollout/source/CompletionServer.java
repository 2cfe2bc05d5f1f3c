package org.attune.rollout.source;

import org.attune.error.RolloutException;
import org.attune.error.ServerException;
import org.attune.http.JsonPost;
import org.attune.http.PatientPost;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/// A server with the OpenAI kind of `/completions`, asked as [PatientPost] does. Thread-safe.
final class CompletionServer {
    private final PatientPost post;

    /// @param base up to `/v1`
    /// @param timeout of one answer, from the request to its last byte
    /// @param largest bytes of an answer at most
    /// @param key sent as bearer token
    /// @param pause before the second attempt; doubles with each
    CompletionServer(
            String base, Duration timeout, long largest, Optional<String> key, Duration pause) {
        URI url = URI.create(base.replaceFirst("/+$", "") + "/completions");
        this.post = new PatientPost(new JsonPost(url, timeout, largest, key), pause, new Options());
    }

    URI url() {
        return post.url();
    }

    /// Posts a request.
    ///
    /// @return the body of the answer
    /// @throws RolloutException if the server refuses it, or still fails at the last attempt
    String post(String json) throws InterruptedException {
        try {
            return post.send(json);
        } catch (ServerException e) {
            throw new RolloutException(e.getMessage(), e);
        }
    }

    /// The run's options that a failure concerns.
    private record Options() implements PatientPost.Advice {
        @Override
        public String late() {
            return "raise rollout_server_timeout, lower max_completion_length or"
                    + " rollout_server_concurrency";
        }

        @Override
        public String unreachable() {
            return "start the server, or correct rollout_server_base_url";
        }

        @Override
        public String tooLarge() {
            return "that is the most that a completion of max_completion_length tokens is given";
        }

        @Override
        public String refused(int status) {
            return switch (status) {
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
        }
    }
}
