package org.attune.cli.serve;

import org.attune.adapter.AdapterFolder;
import org.attune.error.AttuneException;
import org.attune.policy.FrozenAdapter;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.PromptLogProbs;
import org.attune.rollout.generation.SequenceRequest;
import org.attune.rollout.generation.Ticket;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;
import org.attune.serve.HttpDoor.Served;
import org.attune.tensor.Engine;
import org.attune.trainers.service.AdapterTraining;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// Samples from the model and from adapters that were trained here, side by side with all else
/// that the server generates.
final class TinkerSampling {
    private static final int MOST_SAMPLES = 128;
    private static final int MOST_STOPS = 16;
    private static final int MOST_TOP = 20;
    private static final int MOST_STOP_LENGTH = 1000;
    private static final Duration LONGEST = Duration.ofMinutes(10);
    /// Behind the numbers of adapters that are served by name.
    private static final int FIRST_ADAPTER = 1 << 20;

    private final Served served;
    private final TinkerCheckpoints checkpoints;
    private final TinkerSessions sessions;
    private final TinkerFutures futures;
    private final AtomicInteger adapters = new AtomicInteger(FIRST_ADAPTER);
    private final AtomicLong drawn = new AtomicLong(System.nanoTime());
    private final AtomicLong unnumbered = new AtomicLong();

    TinkerSampling(
            Served served,
            TinkerCheckpoints checkpoints,
            TinkerSessions sessions,
            TinkerFutures futures) {
        this.served = served;
        this.checkpoints = checkpoints;
        this.sessions = sessions;
        this.futures = futures;
    }

    /// `create_sampling_session`
    void create(Call call) throws IOException {
        Fields body = call.body();
        body.require(
                Set.of("session_id", "sampling_session_seq_id", "base_model", "model_path", "type"),
                Map.of());
        String session = TinkerDesk.required(body, "session_id");
        sessions.touch(session);
        TinkerDesk.requireBase(body, served);
        String id = id(session, body.integer("sampling_session_seq_id", 0, Integer.MAX_VALUE));
        if (!sessions.hasSampler(id)) { // else it is asked for again
            register(open(id, session, body.text("model_path")), "");
        }
        call.json(Map.of("type", "create_sampling_session", "sampling_session_id", id));
    }

    private String id(String session, OptionalLong number) {
        return session
                + ":sample:"
                + (number.isPresent()
                        ? "" + number.getAsLong()
                        : "x" + unnumbered.incrementAndGet());
    }

    private TinkerSampler open(String id, String session, Optional<String> path) {
        Optional<FrozenAdapter> weights = path.map(this::read);
        return new TinkerSampler(id, session, path, weights, Optional.empty());
    }

    private FrozenAdapter read(String text) {
        TinkerPath path = TinkerPath.read("model_path", text);
        Path folder = checkpoints.there(path);
        try (var adapter = AdapterFolder.open(AdapterTraining.adapterIn(folder))) {
            int number = adapters.incrementAndGet();
            return Engine.call(
                    () -> FrozenAdapter.attach(served.model().decoder(), adapter, number));
        }
    }

    /// Makes a sampler of the weights that a training has now.
    ///
    /// @return its id
    String copy(TinkerRun run, OptionalLong number) {
        String id = id(run.session(), number);
        FrozenAdapter weights = run.training().copy(adapters.incrementAndGet());
        var sampler =
                new TinkerSampler(
                        id,
                        run.session(),
                        Optional.empty(),
                        Optional.of(weights),
                        Optional.of(run.id()));
        register(sampler, run.id());
        return id;
    }

    private void register(TinkerSampler sampler, String run) {
        try {
            sessions.add(sampler, run);
        } catch (AttuneException e) {
            sampler.close();
            throw e;
        }
    }

    /// `samplers/ID`
    void show(Call call) throws IOException {
        TinkerSampler sampler = sessions.sampler(call.name());
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("sampler_id", sampler.id());
        value.put("base_model", served.name());
        value.put("model_path", sampler.path().orElse(null));
        call.json(value);
    }

    /// What is asked of a sampler.
    ///
    /// @param top how many of the likeliest tokens are told in the prompt's places
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Asked(
            List<SequenceRequest> sequences, int[] prompt, boolean tellsPrompt, int top) {}

    /// `asample`
    void sample(Call call) throws IOException {
        Fields body = call.body();
        body.require(
                Set.of(
                        "num_samples",
                        "prompt",
                        "sampling_params",
                        "sampling_session_id",
                        "seq_id",
                        "base_model",
                        "model_path",
                        "prompt_logprobs",
                        "topk_prompt_logprobs",
                        "topk_sample_logprobs",
                        "prompt_alt_tokens_k",
                        "record_stability_info",
                        "type"),
                Map.of(
                        "model_path", "open a sampler by create_sampling_session",
                        "target_prompt_logprobs", "ask by a training's forward",
                        "prompt_logprobs_last_n", "ask for all of the prompt's"));
        body.integer("prompt_alt_tokens_k", 0, 0);
        if (body.flag("record_stability_info", false)) {
            throw body.bad("record_stability_info", "is true; accepted: false");
        }
        TinkerDesk.requireBase(body, served);
        Optional<String> named = body.text("sampling_session_id");
        TinkerSampler sampler =
                named.isPresent()
                        ? sessions.sampler(named.get())
                        : new TinkerSampler(
                                "base", "", Optional.empty(), Optional.empty(), Optional.empty());
        OptionalLong seq = body.integer("seq_id", 0, Long.MAX_VALUE);
        String id =
                seq.isPresent() && named.isPresent()
                        ? named.get() + ":" + seq.getAsLong()
                        : "sample:x" + unnumbered.incrementAndGet();
        Optional<TinkerFutures.Entry> entry = futures.open(id);
        if (entry.isPresent()) { // else it has come before
            begin(body, sampler, id, entry.get());
        }
        List<String> names =
                IntStream.range(0, body.integer("num_samples", 1, MOST_SAMPLES, 1))
                        .mapToObj(i -> id + ":" + i)
                        .toList();
        call.json(Map.of("request_id", id, "sample_sequence_ids", names));
    }

    private void begin(Fields body, TinkerSampler sampler, String id, TinkerFutures.Entry entry) {
        List<Ticket> tickets;
        Asked asked;
        try {
            asked = read(body, sampler);
            if (!sampler.hold()) {
                throw new ApiException(404, "not_found", "the sampler was closed");
            }
            try {
                tickets = served.generates().apply(asked.sequences());
            } catch (RuntimeException | Error e) {
                sampler.release();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            futures.drop(id);
            throw e;
        }
        Thread.ofVirtual()
                .name("attune-sample")
                .start(
                        () -> {
                            try {
                                entry.run(() -> reply(asked, sampler, tickets));
                            } finally {
                                tickets.forEach(Ticket::cancel); // those that go on after an error
                                tickets.forEach(TinkerSampling::settle);
                                sampler.release();
                            }
                        });
    }

    private static void settle(Ticket ticket) {
        try {
            ticket.await();
        } catch (AttuneException e) {
            // told with the result
        }
    }

    private TinkerReply reply(Asked asked, TinkerSampler sampler, List<Ticket> tickets) {
        List<SampledCompletion> completions = tickets.stream().map(Ticket::await).toList();
        if (completions.stream().anyMatch(c -> c.reason() == StopReason.CANCELLED)) {
            return new TinkerReply.Failed("the server ends", true);
        }
        Optional<PromptLogProbs> prompt =
                asked.tellsPrompt()
                        ? Optional.of(
                                PromptLogProbs.of(
                                        served.model().decoder(),
                                        sampler.adapter(),
                                        asked.prompt(),
                                        asked.top()))
                        : Optional.empty();
        return new TinkerReply.Samples(completions, prompt, asked.top(), asked.prompt().length);
    }

    private Asked read(Fields body, TinkerSampler sampler) {
        int[] prompt = TinkerBatch.ids(body, "prompt");
        int vocabulary = served.model().decoder().config().vocabSize();
        for (int id : prompt) {
            if (id < 0 || id >= vocabulary) {
                throw body.bad(
                        "prompt", "has the id %d; accepted: 0 to %d".formatted(id, vocabulary - 1));
            }
        }
        int room = served.length() - prompt.length;
        if (prompt.length == 0 || room < 1) {
            throw body.bad(
                    "prompt",
                    "has %d tokens; accepted: 1 to %d"
                            .formatted(prompt.length, served.length() - 1));
        }
        SamplingConfig config =
                config(
                                body.object("sampling_params")
                                        .orElseThrow(
                                                () -> body.bad("sampling_params", "is missing")),
                                room)
                        .withTopLogProbs(body.integer("topk_sample_logprobs", 0, MOST_TOP, 0));
        int samples = body.integer("num_samples", 1, MOST_SAMPLES, 1);
        List<SequenceRequest> sequences = new ArrayList<>();
        for (int i = 0; i < samples; i++) {
            sequences.add(
                    SequenceRequest.of(prompt, config).withIndex(i).withAdapter(sampler.adapter()));
        }
        int top = body.integer("topk_prompt_logprobs", 0, MOST_TOP, 0);
        return new Asked(sequences, prompt, top > 0 || body.flag("prompt_logprobs", false), top);
    }

    private SamplingConfig config(Fields params, int room) {
        params.require(
                Set.of("max_tokens", "seed", "stop", "temperature", "top_k", "top_p"), Map.of());
        int most = params.integer("max_tokens", 1, Integer.MAX_VALUE, room);
        if (most > room) {
            throw params.bad(
                    "max_tokens",
                    "is %d, and the server has room for %d behind this prompt"
                            .formatted(most, room));
        }
        double topP = params.number("top_p", 0, 1).orElse(1);
        if (topP == 0) {
            throw params.bad("top_p", "is 0; accepted: a number in (0, 1]");
        }
        Distribution distribution =
                Distribution.plain()
                        .withTemperature(params.number("temperature", 0, 100).orElse(1))
                        .withTopK(Math.max(0, params.integer("top_k", -1, Integer.MAX_VALUE, -1)))
                        .withTopP(topP);
        // An empty list means that nothing ends a sequence, so a list is all that does.
        Set<Integer> stops = new LinkedHashSet<>(params.has("stop") ? Set.of() : served.stops());
        List<String> texts = new ArrayList<>();
        List<?> given =
                params.value("stop") instanceof String one
                        ? List.of(one)
                        : params.list("stop", MOST_STOPS);
        for (Object stop : given) {
            switch (stop) {
                case Long id when id >= 0 && id < Integer.MAX_VALUE -> stops.add(id.intValue());
                case String text when !text.isEmpty() && text.length() <= MOST_STOP_LENGTH ->
                        texts.add(text);
                case null, default ->
                        throw params.bad(
                                "stop", "holds %s; accepted: texts or token ids".formatted(stop));
            }
        }
        long seed =
                params.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE)
                        .orElseGet(drawn::incrementAndGet);
        return SamplingConfig.of(distribution, most, stops, seed)
                .withStopStrings(texts)
                .withMaxTime(LONGEST);
    }
}
