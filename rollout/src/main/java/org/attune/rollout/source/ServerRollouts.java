package org.attune.rollout.source;

import org.attune.error.ConfigException;
import org.attune.error.RolloutException;
import org.attune.error.ServerException;
import org.attune.error.StopRequest;
import org.attune.http.PatientPost;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.text.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Rollouts of servers with the OpenAI kind of `/v1/completions` (vLLM, llama.cpp and others).
/// Their weights stay what they are, or they load what is trained before each round, an adapter as
/// vLLM does or a whole model as SGLang does; either way another sampler than the policy writes.
///
/// A prompt goes out as token ids, one request for a completion. Tokens come back as ids where the
/// server tells them (`token_ids`, `logprobs.content[].id`, `logprobs.tokens` as `token_id:N`);
/// else the text is tokenised again, which is logged once. A server that is gone leaves its prompts
/// to the others. Owns the connections.
public final class ServerRollouts implements RolloutSource, AutoCloseable {
    /// Environment variable with the key of a server that wants one.
    public static final String KEY_VARIABLE = "ROLLOUT_SERVER_API_KEY";

    private static final Logger LOG = LoggerFactory.getLogger(ServerRollouts.class);
    // Bytes of an answer: servers repeat the prompt's ids, and tell of each token its text, its id
    // and log-probabilities in one or two ways.
    private static final long ANSWER = 4 << 20;
    private static final long ANSWER_PER_TOKEN = 2 << 10;

    private static final int STOP_CHECK_MILLIS = 100;

    private final ServerPool servers;
    private final Optional<WeightVersions> adapters;
    private final String model;
    private final int concurrency;
    private final SamplingConfig sampling;
    private final Tokenizer tokenizer;
    private boolean toldOfText;

    /// Where servers are, and how they are asked.
    ///
    /// @param baseUrls up to `/v1`; at least one
    /// @param model its name there
    /// @param timeout of one completion, from the request to the answer's last byte
    /// @param concurrency completions that a server is asked for at once, ≥ 1
    /// @param key sent as bearer token
    /// @param pause before a second attempt; doubles with each
    public record Connection(
            List<String> baseUrls,
            String model,
            Duration timeout,
            int concurrency,
            Optional<String> key,
            Duration pause) {
        public Connection {
            baseUrls = List.copyOf(baseUrls);
        }

        /// The connection to one server.
        public Connection(
                String baseUrl,
                String model,
                Duration timeout,
                int concurrency,
                Optional<String> key,
                Duration pause) {
            this(List.of(baseUrl), model, timeout, concurrency, key, pause);
        }
    }

    /// Rollouts of servers that use their own weights.
    ///
    /// @param sampling how to sample; its seed is the run's
    /// @param tokenizer the policy's, which must be the server's model's too; borrowed
    /// @throws ConfigException if a server can't be asked to sample so
    public ServerRollouts(Connection connection, SamplingConfig sampling, Tokenizer tokenizer) {
        this(connection, sampling, tokenizer, Optional.empty());
    }

    /// @param adapters what servers load before each round; empty: they keep their own weights
    public ServerRollouts(
            Connection connection,
            SamplingConfig sampling,
            Tokenizer tokenizer,
            Optional<WeightVersions> adapters) {
        if (sampling.distribution().typicalP() != 1) {
            throw new ConfigException(
                    "generation_kwargs.typical_p is %s; accepted with rollout_server_base_url: 1"
                            .formatted(sampling.distribution().typicalP()));
        }
        if (sampling.maxTime().isPresent() || sampling.topLogProbs() > 0) {
            throw new ConfigException("max_time and top_log_probs can't be asked of a server");
        }
        List<CompletionServer> all = new ArrayList<>();
        for (String base : connection.baseUrls()) {
            all.add(
                    new CompletionServer(
                            base,
                            connection.timeout(),
                            ANSWER + ANSWER_PER_TOKEN * sampling.maxNewTokens(),
                            connection.key(),
                            connection.pause()));
        }
        servers = new ServerPool(all);
        model = connection.model();
        concurrency = connection.concurrency();
        this.sampling = sampling;
        this.tokenizer = tokenizer;
        this.adapters = adapters;
    }

    /// Has the servers load the weights as they are now, and looks whether those that were gone are
    /// back.
    ///
    /// @throws RolloutException naming the server, if one doesn't take the adapter, or none is left
    @Override
    public void beginRound(long round) {
        try {
            servers.lookForThoseGone();
            if (adapters.isPresent()) {
                Optional<ServedWeights> before = servers.adapter();
                ServedWeights next = adapters.get().write(round);
                servers.load(next);
                before.filter(old -> !old.equals(next)).ifPresent(adapters.get()::discard);
            }
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /// @throws RolloutException naming the server, if it refuses a request or answers what can't be
    ///     read, or if all servers keep failing
    /// @throws CancellationException if the waiting thread is interrupted
    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        SampledCompletion[] completions = new SampledCompletion[prompts.size()];
        BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
        var shared = new SharedPrompts(prompts, servers.there());
        ExecutorService threads =
                Executors.newThreadPerTaskExecutor(
                        Thread.ofVirtual().name("rollout-", 1).factory());
        try {
            for (int n = 0; n < servers.size() * concurrency; n++) {
                int server = n % servers.size();
                threads.execute(() -> work(server, prompts, round, shared, answers));
            }
            for (int n = 0; n < completions.length; n++) {
                Answer answer = next(answers);
                tellOfText(answer.completion());
                completions[answer.index()] = answer.completion().sampled();
                listener.finished(answer.index(), completions[answer.index()]);
            }
        } catch (InterruptedException e) {
            throw interrupted();
        } finally {
            threads.shutdownNow();
        }
        return Arrays.asList(completions);
    }

    private static CancellationException interrupted() {
        Thread.currentThread().interrupt();
        return new CancellationException("interrupted while the rollout server worked");
    }

    /// What one of a server's threads does: it completes prompts while there are any.
    private void work(
            int server,
            List<RolloutPrompt> prompts,
            long round,
            SharedPrompts shared,
            BlockingQueue<Answer> answers) {
        try {
            for (OptionalInt next = shared.take(server);
                    next.isPresent();
                    next = shared.take(server)) {
                int index = next.getAsInt();
                try {
                    answers.add(ask(servers.at(server), index, prompts.get(index).ids(), round));
                    shared.done();
                } catch (ServerException e) {
                    servers.lost(server, e);
                    shared.giveBack(server, index);
                }
            }
        } catch (RolloutException e) {
            answers.add(Answer.failed(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody waits for an answer any more
        } catch (RuntimeException e) {
            answers.add(
                    Answer.failed(new RolloutException(servers.at(server).shown() + ": " + e, e)));
        }
    }

    /// The next answer, while nobody wishes the run to stop.
    private static Answer next(BlockingQueue<Answer> answers) throws InterruptedException {
        while (true) {
            StopRequest.check();
            Answer answer = answers.poll(STOP_CHECK_MILLIS, TimeUnit.MILLISECONDS);
            if (answer == null) {
                continue;
            }
            if (answer.failure().isPresent()) {
                RolloutException failure = answer.failure().get();
                throw new RolloutException(failure.getMessage(), failure);
            }
            return answer;
        }
    }

    private record Answer(
            int index, ServerCompletion completion, Optional<RolloutException> failure) {
        static Answer failed(RolloutException failure) {
            return new Answer(-1, null, Optional.of(failure));
        }
    }

    private Answer ask(CompletionServer server, int index, int[] prompt, long round)
            throws InterruptedException {
        Optional<ServedWeights> adapter = servers.adapter();
        String named = adapter.filter(a -> !a.isModel()).map(ServedWeights::name).orElse(model);
        String request = new ServerRequest(sampling).json(named, index, prompt, round);
        String body =
                adapter.isPresent() ? server.post(request, adapter.get()) : server.post(request);
        try {
            return new Answer(
                    index,
                    ServerCompletion.parse(body, prompt, sampling, tokenizer),
                    Optional.empty());
        } catch (RolloutException e) {
            throw new RolloutException(
                    "%s: %s; it answered %s"
                            .formatted(server.shown(), e.getMessage(), PatientPost.start(body)),
                    e);
        }
    }

    private void tellOfText(ServerCompletion completion) {
        if (completion.retokenised() && !toldOfText) {
            toldOfText = true;
            LOG.warn(
                    "{} tells no token ids: its text is tokenised again, so that a completion may"
                            + " have other tokens than were sampled",
                    servers.at(0).shown());
        }
    }

    @Override
    public boolean isOnPolicy() {
        return false;
    }

    /// Has the servers forget the adapter, and deletes it.
    @Override
    public void close() {
        Optional<ServedWeights> last = servers.adapter();
        try {
            servers.unload();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (adapters.isPresent()) {
            last.ifPresent(adapters.get()::discard);
        }
    }
}
