package org.attune.rollout.source;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.attune.error.RolloutException;
import org.attune.error.Secrets;
import org.attune.error.ServerException;
import org.attune.http.HttpAsk;
import org.attune.http.JsonPost;
import org.attune.http.PatientPost;
import org.attune.json.Json;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;

/// A server with the OpenAI kind of `/completions`, asked as [PatientPost] does. Adapters are
/// loaded and unloaded as vLLM does it, whole models as SGLang does. Thread-safe.
final class CompletionServer {
    private static final Logger LOG = LoggerFactory.getLogger(CompletionServer.class);
    private static final int UNKNOWN = 404;
    private static final int REFUSED = 400;
    private static final String LOADED_ALREADY = "already been loaded";
    private static final Duration PROBE = Duration.ofSeconds(5);

    private final String base;
    private final Optional<String> key;
    private final PatientPost post;
    private final PatientPost load;
    private final PatientPost update;
    private final JsonPost unload;

    /// @param base up to `/v1`
    /// @param timeout of one answer, from the request to its last byte
    /// @param largest bytes of an answer at most
    /// @param key sent as bearer token
    /// @param pause before the second attempt; doubles with each
    CompletionServer(
            String base, Duration timeout, long largest, Optional<String> key, Duration pause) {
        this.base = base.replaceFirst("/+$", "");
        this.key = key;
        this.post =
                new PatientPost(
                        new JsonPost(url("/completions"), timeout, largest, key),
                        pause,
                        new CompletionAdvice());
        this.load =
                new PatientPost(
                        new JsonPost(url("/load_lora_adapter"), timeout, largest, key),
                        pause,
                        WeightsAdvice.ADAPTER);
        this.update =
                new PatientPost(
                        new JsonPost(
                                URI.create(
                                        this.base.replaceFirst("/v1$", "")
                                                + "/update_weights_from_disk"),
                                timeout,
                                largest,
                                key),
                        pause,
                        WeightsAdvice.MODEL);
        this.unload = new JsonPost(url("/unload_lora_adapter"), timeout, largest, key);
    }

    private URI url(String end) {
        return URI.create(base + end);
    }

    /// Where completions are asked for, for messages.
    String shown() {
        return post.shown();
    }

    /// Posts a request for a completion by the server's own weights.
    ///
    /// @return the body of the answer
    /// @throws ServerException if the server refuses it, or still fails at the last attempt
    String post(String json) throws InterruptedException {
        return post.send(json);
    }

    /// Posts a request for a completion by an adapter or a model that was loaded. A server that
    /// doesn't have it, since it was started anew, loads it first.
    ///
    /// @throws ServerException as [#post(String)] does
    String post(String json, ServedWeights weights) throws InterruptedException {
        if (weights.isModel()) {
            return byModel(json, weights);
        }
        try {
            return post.send(json);
        } catch (ServerException e) {
            if (e.refusal() != UNKNOWN) {
                throw e;
            }
            LOG.warn("{} doesn't know the adapter {}; it gets it again", this, weights.name());
            load(weights);
            return post.send(json);
        }
    }

    private String byModel(String json, ServedWeights model) throws InterruptedException {
        String body = post.send(json);
        Optional<String> version = otherVersion(body, model);
        if (version.isEmpty()) {
            return body;
        }
        LOG.warn("{} has the weights {}; it gets {} again", this, version.get(), model.name());
        load(model);
        body = post.send(json);
        version = otherVersion(body, model);
        if (version.isPresent()) {
            throw new ServerException(
                    "%s answers with the weights \"%s\" after it has loaded \"%s\"; see the server's own log"
                            .formatted(shown(), version.get(), model.name()),
                    REFUSED);
        }
        return body;
    }

    /// The version of an answer's weights, if the server tells it and it is another one.
    private static Optional<String> otherVersion(String body, ServedWeights model) {
        try {
            String told = Json.tree(body).at("/metadata/weight_version").asText("");
            return Optional.of(told).filter(v -> !v.isEmpty() && !v.equals(model.name()));
        } catch (IOException e) {
            return Optional.empty(); // the reader of the answer says what is wrong with it
        }
    }

    /// Has the server load an adapter or a model; one that it knows already is the same.
    ///
    /// @throws ServerException if the server refuses it, or still fails at the last attempt
    void load(ServedWeights weights) throws InterruptedException {
        if (weights.isModel()) {
            update(weights);
            return;
        }
        try {
            load.send(
                    Json.compact(
                            Map.of(
                                    "lora_name",
                                    weights.name(),
                                    "lora_path",
                                    weights.folder().toString())));
        } catch (ServerException e) {
            if (e.refusal() != REFUSED || !e.getMessage().contains(LOADED_ALREADY)) {
                throw e;
            }
        }
    }

    /// @throws ServerException also if the server answers that it could not load the model
    private void update(ServedWeights model) throws InterruptedException {
        String answer =
                update.send(
                        Json.compact(
                                Map.of(
                                        "model_path",
                                        model.folder().toString(),
                                        "weight_version",
                                        model.name(),
                                        "flush_cache",
                                        true)));
        boolean isLoaded = false;
        try {
            isLoaded = Json.tree(answer).path("success").asBoolean();
        } catch (IOException e) {
            LOG.debug("an answer that is no JSON", e);
        }
        if (!isLoaded) {
            throw new ServerException(
                    "%s didn't load %s: %s; %s"
                            .formatted(
                                    update.shown(),
                                    model.folder(),
                                    PatientPost.start(answer),
                                    WeightsAdvice.MODEL.unfit()),
                    REFUSED);
        }
    }

    /// Has the server forget an adapter. What goes wrong is only said: it costs the server memory.
    /// A model stays until another takes its place.
    void unload(ServedWeights weights) throws InterruptedException {
        if (weights.isModel()) {
            return;
        }
        try {
            int status = unload.send(Json.compact(Map.of("lora_name", weights.name()))).status();
            if (status / 100 != 2 && status != UNKNOWN) {
                LOG.warn("{} keeps the adapter {}: status {}", this, weights.name(), status);
            }
        } catch (IOException | TimeoutException e) {
            LOG.warn("{} keeps the adapter {}: {}", this, weights.name(), e.toString());
        }
    }

    /// Whether the server answers at all, by one short question.
    boolean isThere() throws InterruptedException {
        try {
            return models().send((code, _, _) -> code) < 500;
        } catch (IOException | TimeoutException e) {
            return false;
        }
    }

    private HttpAsk models() {
        Map<String, String> headers =
                key.map(secret -> Map.of("Authorization", "Bearer " + secret)).orElse(Map.of());
        return new HttpAsk("GET", url("/models"), headers, Optional.empty(), PROBE);
    }

    /// The name of the first model that the server lists.
    ///
    /// @throws RolloutException if it lists none, or doesn't answer
    /// @throws CancellationException if the waiting thread is interrupted
    String firstModel() {
        try {
            byte[] body = models().send((_, _, bytes) -> bytes.readAllBytes());
            String name = Json.tree(new String(body, UTF_8)).at("/data/0/id").asText();
            if (!name.isEmpty()) {
                return name;
            }
            throw new RolloutException(this + "/models lists no model; name the one to ask");
        } catch (IOException | TimeoutException e) {
            throw new RolloutException(
                    "%s/models doesn't say which model it has: %s; start the server, or correct its address"
                            .formatted(this, e),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while the server was asked for its name");
        }
    }

    /// The error for a failure that ends a run.
    static RolloutException failure(ServerException e) {
        return new RolloutException(e.getMessage(), e);
    }

    @Override
    public String toString() {
        return Secrets.masked(url(""));
    }

    /// The run's options that the failure of a completion concerns.
    private record CompletionAdvice() implements PatientPost.Advice {
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

    /// What to do when a server doesn't take weights.
    ///
    /// @param absent where it has no such address
    /// @param unfit where it refuses them
    private record WeightsAdvice(String absent, String unfit) implements PatientPost.Advice {
        static final WeightsAdvice ADAPTER =
                new WeightsAdvice(
                        "start vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora,"
                                + " where rollout_server_adapter_dir has the same path as here",
                        "start vLLM with --enable-lora and a --max-lora-rank of lora_r or more;"
                                + " see the server's own log");
        static final WeightsAdvice MODEL =
                new WeightsAdvice(
                        "whole models are loaded by SGLang (use_peft: false); with vLLM train an"
                                + " adapter",
                        "start SGLang with a model of the same shape, where"
                                + " rollout_server_adapter_dir has the same path as here; see the"
                                + " server's own log");

        @Override
        public String late() {
            return "raise rollout_server_timeout";
        }

        @Override
        public String unreachable() {
            return "start the server, or correct rollout_server_base_url";
        }

        @Override
        public String tooLarge() {
            return "a server says in a few words whether it has loaded weights";
        }

        @Override
        public String refused(int status) {
            return switch (status) {
                case 401, 403 -> "set " + ServerRollouts.KEY_VARIABLE + " to the server's key";
                case 404, 405 -> absent;
                default -> unfit;
            };
        }
    }
}
