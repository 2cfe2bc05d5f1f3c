package org.attune.rollout.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.error.StopRequest;
import org.attune.http.PatientPost;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.Draws;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.text.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// Rollouts of a server with the OpenAI kind of `/v1/completions` (vLLM, llama.cpp and others).
/// Its weights stay what they are, so the completions are those of another policy.
///
/// A prompt goes out as token ids, one request for a completion. Tokens come back as ids where the
/// server tells them (`token_ids`, `logprobs.content[].id`, `logprobs.tokens` as `token_id:N`);
/// else the text is tokenised again, which is logged once. Owns the connections.
public final class ServerRollouts implements RolloutSource {
    /// Environment variable with the key of a server that wants one.
    public static final String KEY_VARIABLE = "ROLLOUT_SERVER_API_KEY";

    private static final Logger LOG = LoggerFactory.getLogger(ServerRollouts.class);
    // Bytes of an answer: servers repeat the prompt's ids, and tell of each token its text, its id
    // and log-probabilities in one or two ways.
    private static final long ANSWER = 4 << 20;
    private static final long ANSWER_PER_TOKEN = 2 << 10;
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int STOP_CHECK_MILLIS = 100;

    private final CompletionServer server;
    private final String model;
    private final int concurrency;
    private final SamplingConfig sampling;
    private final Tokenizer tokenizer;
    private boolean toldOfText;

    /// Where the server is, and how it is asked.
    ///
    /// @param baseUrl up to `/v1`
    /// @param model its name there
    /// @param timeout of one completion, from the request to the answer's last byte
    /// @param concurrency completions asked for at once, ≥ 1
    /// @param key sent as bearer token
    /// @param pause before a second attempt; doubles with each
    public record Connection(
            String baseUrl,
            String model,
            Duration timeout,
            int concurrency,
            Optional<String> key,
            Duration pause) {}

    /// @param sampling how to sample; its seed is the run's
    /// @param tokenizer the policy's, which must be the server's model's too; borrowed
    /// @throws ConfigException if a server can't be asked to sample so
    public ServerRollouts(Connection connection, SamplingConfig sampling, Tokenizer tokenizer) {
        if (sampling.distribution().typicalP() != 1) {
            throw new ConfigException(
                    "generation_kwargs.typical_p is %s; accepted with rollout_server_base_url: 1"
                            .formatted(sampling.distribution().typicalP()));
        }
        if (sampling.maxTime().isPresent() || sampling.topLogProbs() > 0) {
            throw new ConfigException("max_time and top_log_probs can't be asked of a server");
        }
        server =
                new CompletionServer(
                        connection.baseUrl(),
                        connection.timeout(),
                        ANSWER + ANSWER_PER_TOKEN * sampling.maxNewTokens(),
                        connection.key(),
                        connection.pause());
        model = connection.model();
        concurrency = connection.concurrency();
        this.sampling = sampling;
        this.tokenizer = tokenizer;
    }

    /// @throws RolloutException naming the server, if it refuses a request, keeps failing or
    ///     answers what can't be read
    /// @throws CancellationException if the waiting thread is interrupted
    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        SampledCompletion[] completions = new SampledCompletion[prompts.size()];
        ExecutorService threads =
                Executors.newFixedThreadPool(
                        concurrency, Thread.ofVirtual().name("rollout-", 1).factory());
        try {
            CompletionService<Answer> answers = new ExecutorCompletionService<>(threads);
            for (int i = 0; i < prompts.size(); i++) {
                int index = i;
                answers.submit(() -> ask(index, prompts.get(index).ids(), round));
            }
            for (int n = 0; n < completions.length; n++) {
                Answer answer = next(answers).get();
                tellOfText(answer.completion());
                completions[answer.index()] = answer.completion().sampled();
                listener.finished(answer.index(), completions[answer.index()]);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while the rollout server worked");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RolloutException failure) {
                throw new RolloutException(failure.getMessage(), failure);
            }
            throw new RolloutException(server.url() + ": " + e.getCause(), e.getCause());
        } finally {
            threads.shutdownNow();
        }
        return Arrays.asList(completions);
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

    private record Answer(int index, ServerCompletion completion) {}

    private Answer ask(int index, int[] prompt, long round) throws InterruptedException {
        String body = server.post(request(index, prompt, round));
        try {
            return new Answer(index, ServerCompletion.parse(body, sampling, tokenizer));
        } catch (RolloutException e) {
            throw new RolloutException(
                    "%s: %s; it answered %s"
                            .formatted(server.url(), e.getMessage(), PatientPost.start(body)),
                    e);
        }
    }

    private String request(int index, int[] prompt, long round) {
        Distribution d = sampling.distribution();
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("model", model);
        request.put("prompt", prompt);
        request.put("n", 1);
        request.put("max_tokens", sampling.maxNewTokens());
        request.put("temperature", d.temperature());
        request.put("top_p", d.topP());
        request.put("seed", new Draws(sampling.ofBatch(round).seed()).whole(index));
        request.put("logprobs", 1);
        request.put("stream", false);
        request.put("return_token_ids", true);
        // Not in OpenAI's own API, so only where they say something.
        putUnless(0, "top_k", d.topK(), request);
        putUnless(0.0, "min_p", d.minP(), request);
        putUnless(1.0, "repetition_penalty", d.repetitionPenalty(), request);
        putUnless(0.0, "presence_penalty", d.presencePenalty(), request);
        putUnless(0.0, "frequency_penalty", d.frequencyPenalty(), request);
        putUnless(0, "min_tokens", sampling.minNewTokens(), request);
        if (!sampling.stopStrings().isEmpty()) {
            request.put("stop", sampling.stopStrings());
            request.put("include_stop_str_in_output", true);
        }
        request.put("stop_token_ids", sampling.stopIds().stream().sorted().toList());
        try {
            return JSON.writeValueAsString(request);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("plain values can always be written", e);
        }
    }

    private static void putUnless(
            Object standard, String key, Object value, Map<String, Object> request) {
        if (!value.equals(standard)) {
            request.put(key, value);
        }
    }

    private void tellOfText(ServerCompletion completion) {
        if (completion.retokenised() && !toldOfText) {
            toldOfText = true;
            LOG.warn(
                    "{} tells no token ids: its text is tokenised again, so that a completion may"
                            + " have other tokens than were sampled",
                    server.url());
        }
    }

    @Override
    public boolean isOnPolicy() {
        return false;
    }
}
