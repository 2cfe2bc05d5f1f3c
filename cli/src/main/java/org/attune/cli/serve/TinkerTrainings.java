package org.attune.cli.serve;

import org.attune.error.AttuneException;
import org.attune.optim.AdamW;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;
import org.attune.serve.HttpDoor.Served;
import org.attune.trainers.service.AdapterTraining;
import org.attune.trainers.service.AdapterTraining.Lora;
import org.attune.trainers.service.AdapterTraining.Loss;
import org.attune.trainers.service.AdapterTraining.Row;
import org.attune.trainers.service.AdapterTraining.Update;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/// The requests about adapters that are trained. A request is looked at when it comes, and done in
/// its turn.
final class TinkerTrainings implements AutoCloseable {
    private static final int HIGHEST_RANK = 512;
    private static final String TOKEN = "weights_access_token";
    private static final String ONE_KIND = "all keys of this server reach all checkpoints";
    private static final long SMALL = 1024; // bytes of a request without rows

    private final Served served;
    private final TinkerCheckpoints checkpoints;
    private final TinkerSessions sessions;
    private final TinkerFutures futures;
    private final TinkerSampling sampling;
    private final AdapterTraining.Shared shared;

    TinkerTrainings(
            Served served,
            TinkerCheckpoints checkpoints,
            TinkerSessions sessions,
            TinkerFutures futures,
            TinkerSampling sampling) {
        this.served = served;
        this.checkpoints = checkpoints;
        this.sessions = sessions;
        this.futures = futures;
        this.sampling = sampling;
        shared = new AdapterTraining.Shared(served.model().decoder(), served.length());
    }

    /// `create_model`
    void create(Call call) throws IOException {
        Fields body = call.body();
        body.require(
                Set.of(
                        "session_id",
                        "model_seq_id",
                        "base_model",
                        "user_metadata",
                        "lora_config",
                        "optimizer_config",
                        "type"),
                Map.of());
        String session = TinkerDesk.required(body, "session_id");
        sessions.touch(session);
        TinkerDesk.required(body, "base_model");
        requireModel(body);
        Lora lora =
                lora(
                        body.object("lora_config")
                                .orElseThrow(
                                        () ->
                                                body.bad(
                                                        "lora_config",
                                                        "is missing; only adapters are trained"
                                                                + " here")));
        String id = id(body, session);
        open(
                call,
                id,
                () -> {
                    add(id, session, lora, _ -> {});
                    return new TinkerReply.Plain(Map.of("model_id", id, "type", "create_model"));
                });
    }

    private void requireModel(Fields body) {
        TinkerDesk.requireBase(body, served);
        Optional<Fields> optimizer = body.object("optimizer_config");
        if (optimizer.isPresent() && !optimizer.get().text("type").equals(Optional.of("adamw"))) {
            throw body.bad("optimizer_config", "asks for another optimizer; accepted: adamw");
        }
    }

    private static String id(Fields body, String session) {
        return session
                + ":train:"
                + body.integer("model_seq_id", 0, 999_999_999)
                        .orElseThrow(() -> body.bad("model_seq_id", "is missing"));
    }

    /// Has a training made on another thread, if there is a place for it.
    private void open(Call call, String id, Callable<TinkerReply> work) throws IOException {
        String request = id + ":0";
        Optional<TinkerFutures.Entry> entry = futures.open(request);
        if (entry.isPresent()) { // else it has come before
            try {
                sessions.reserve();
            } catch (ApiException e) {
                futures.drop(request);
                throw e;
            }
            Thread.ofVirtual().name("attune-create").start(() -> entry.get().run(work));
        }
        call.json(Map.of("request_id", request, "model_id", id));
    }

    private static Lora lora(Fields config) {
        config.require(
                Set.of("rank", "seed", "train_unembed", "train_mlp", "train_attn"), Map.of());
        int rank =
                (int)
                        config.integer("rank", 1, HIGHEST_RANK)
                                .orElseThrow(() -> config.bad("rank", "is missing"));
        return new Lora(
                rank,
                config.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE).orElseGet(System::nanoTime),
                config.flag("train_attn", true),
                config.flag("train_mlp", true),
                config.flag("train_unembed", true));
    }

    /// @param begin what is done before others can ask
    private void add(String id, String session, Lora lora, Consumer<AdapterTraining> begin) {
        AdapterTraining training;
        try {
            training = shared.open(lora);
        } catch (RuntimeException | Error e) {
            sessions.giveUp();
            throw e;
        }
        try {
            begin.accept(training);
        } catch (RuntimeException | Error e) {
            training.close();
            sessions.giveUp();
            throw e;
        }
        sessions.add(new TinkerRun(id, session, training, lora));
    }

    private TinkerRun run(Fields body) {
        return sessions.run(TinkerDesk.required(body, "model_id"));
    }

    /// `get_info`
    void info(Call call) throws IOException {
        Fields body = call.body();
        body.require(Set.of("model_id", "type"), Map.of());
        TinkerRun run = run(body);
        call.json(
                Map.of(
                        "type",
                        "get_info",
                        "model_data",
                        Map.of(
                                "arch",
                                served.model().setup().source().config().modelType(),
                                "model_name",
                                served.name()),
                        "model_id",
                        run.id(),
                        "is_lora",
                        true,
                        "lora_rank",
                        (long) run.lora().rank(),
                        "model_name",
                        served.name()));
    }

    /// `unload_model`
    void unload(Call call) throws IOException {
        Fields body = call.body();
        body.require(Set.of("model_id", "type"), Map.of());
        TinkerRun run = run(body);
        String request = run.id() + ":end";
        futures.open(request)
                .ifPresent(
                        entry ->
                                entry.run(
                                        () -> {
                                            sessions.end(run);
                                            return new TinkerReply.Plain(
                                                    Map.of(
                                                            "model_id",
                                                            run.id(),
                                                            "type",
                                                            "unload_model"));
                                        }));
        call.json(Map.of("request_id", request, "model_id", run.id()));
    }

    /// Puts work into its turn, and answers with the id of its result.
    ///
    /// @param look reads what the work needs. What it refuses is answered at once, and counts as
    ///     done
    private void submit(
            Call call,
            TinkerRun run,
            OptionalLong seq,
            long bytes,
            Callable<Callable<TinkerReply>> look)
            throws IOException {
        long number = run.number(seq);
        String request = run.id() + ":" + number;
        Optional<TinkerFutures.Entry> entry = futures.open(request);
        if (entry.isPresent()) { // else it has come before
            Optional<ApiException> refused = Optional.empty();
            Callable<TinkerReply> work;
            try {
                work = look.call();
            } catch (AttuneException e) {
                ApiException why =
                        e instanceof ApiException own
                                ? own
                                : ApiException.bad(null, e.getMessage());
                refused = Optional.of(why);
                work = () -> new TinkerReply.Failed(why.getMessage(), false);
            } catch (Exception e) {
                throw new IOException(e);
            }
            try {
                run.submit(number, bytes, entry.get(), work);
            } catch (ApiException e) {
                futures.drop(request);
                throw e;
            }
            if (refused.isPresent()) {
                throw refused.get();
            }
        }
        call.json(Map.of("request_id", request, "model_id", run.id()));
    }

    /// Puts work of a request without rows into its turn.
    private void submit(Call call, TinkerRun run, Fields body, Callable<Callable<TinkerReply>> look)
            throws IOException {
        submit(call, run, body.integer("seq_id", 1, Integer.MAX_VALUE), SMALL, look);
    }

    /// `forward_backward` and `forward`
    void learn(Call call, String key) throws IOException {
        TinkerBatch batch = TinkerBatch.read(call, key);
        TinkerRun run = sessions.run(batch.model());
        submit(
                call,
                run,
                batch.seq(),
                batch.bytes(),
                () -> {
                    Loss loss = batch.objective();
                    List<Row> rows = batch.rows();
                    run.training().require(rows, loss);
                    return () ->
                            new TinkerReply.Loss(
                                    run.training().learn(rows, loss, batch.learns()), rows);
                });
    }

    /// `optim_step`
    void step(Call call) throws IOException {
        Fields body = call.body();
        TinkerRun run = run(body);
        submit(
                call,
                run,
                body,
                () -> {
                    body.require(Set.of("adam_params", "model_id", "seq_id", "type"), Map.of());
                    Update update =
                            update(
                                    body.object("adam_params")
                                            .orElseThrow(
                                                    () -> body.bad("adam_params", "is missing")));
                    return () ->
                            new TinkerReply.Plain(
                                    Map.of(
                                            "metrics",
                                            Map.of("grad_norm", run.training().step(update))));
                });
    }

    /// The update that `adam_params` ask for.
    static Update update(Fields params) {
        params.require(
                Set.of("learning_rate", "beta1", "beta2", "eps", "weight_decay", "grad_clip_norm"),
                Map.of());
        double largest = Double.MAX_VALUE;
        double belowOne = Math.nextDown(1.0);
        return new Update(
                params.number("learning_rate", 0, largest).orElse(1e-4),
                new AdamW(
                        params.number("beta1", 0, belowOne).orElse(0.9),
                        params.number("beta2", 0, belowOne).orElse(0.95),
                        params.number("eps", 0, largest).orElse(1e-12),
                        false),
                params.number("weight_decay", 0, largest).orElse(0),
                params.number("grad_clip_norm", 0, largest).orElse(0));
    }

    /// `save_weights`
    void save(Call call) throws IOException {
        Fields body = call.body();
        TinkerRun run = run(body);
        submit(
                call,
                run,
                body,
                () -> {
                    requireSaving(body);
                    TinkerPath path =
                            new TinkerPath(
                                    run.id(),
                                    TinkerPath.WEIGHTS,
                                    TinkerDesk.required(body, "path"));
                    boolean overwrite = body.flag("overwrite", false);
                    return () -> {
                        checkpoints.write(run, path, overwrite);
                        return new TinkerReply.Plain(
                                Map.of("path", path.toString(), "type", "save_weights"));
                    };
                });
    }

    private static void requireSaving(Fields body) {
        body.require(
                Set.of(
                        "model_id",
                        "path",
                        "seq_id",
                        "overwrite",
                        "sampling_session_seq_id",
                        "kind",
                        "user_metadata",
                        "type"),
                Map.of("ttl_seconds", "checkpoints stay until they are deleted"));
        if (!body.text("kind").orElse("snapshot").equals("snapshot")) {
            throw body.bad("kind", "is \"%s\"; accepted: snapshot".formatted(body.value("kind")));
        }
    }

    /// `save_weights_for_sampler`
    void saveForSampler(Call call) throws IOException {
        Fields body = call.body();
        TinkerRun run = run(body);
        submit(
                call,
                run,
                body,
                () -> {
                    requireSaving(body);
                    Optional<String> name = body.text("path");
                    OptionalLong number =
                            body.integer("sampling_session_seq_id", 0, Integer.MAX_VALUE);
                    if (name.isEmpty()) {
                        return () ->
                                new TinkerReply.Plain(
                                        Map.of(
                                                "sampling_session_id",
                                                sampling.copy(run, number),
                                                "type",
                                                "save_weights_for_sampler"));
                    }
                    var path = new TinkerPath(run.id(), TinkerPath.SAMPLER, name.get());
                    return () -> {
                        checkpoints.write(run, path, false);
                        return new TinkerReply.Plain(
                                Map.of(
                                        "path",
                                        path.toString(),
                                        "type",
                                        "save_weights_for_sampler"));
                    };
                });
    }

    /// `load_weights`: into a training, or into one that is made for it.
    void load(Call call) throws IOException {
        Fields body = call.body();
        if (body.has("session_id")) {
            create(call, body);
            return;
        }
        TinkerRun run = run(body);
        submit(
                call,
                run,
                body,
                () -> {
                    body.require(
                            Set.of("model_id", "path", "seq_id", "optimizer", "type"),
                            Map.of(TOKEN, ONE_KIND, "optimizer_config", "the optimizer is AdamW"));
                    TinkerPath path = TinkerPath.read("path", TinkerDesk.required(body, "path"));
                    boolean moments = body.flag("optimizer", false);
                    return () -> {
                        run.training().load(checkpoints.there(path), moments);
                        return loaded(path, run.id());
                    };
                });
    }

    private void create(Call call, Fields body) throws IOException {
        body.require(
                Set.of(
                        "session_id",
                        "model_seq_id",
                        "base_model",
                        "user_metadata",
                        "path",
                        "optimizer",
                        "optimizer_config",
                        "type"),
                Map.of(TOKEN, ONE_KIND));
        requireModel(body);
        String session = TinkerDesk.required(body, "session_id");
        sessions.touch(session);
        TinkerPath path = TinkerPath.read("path", TinkerDesk.required(body, "path"));
        Path folder = checkpoints.there(path);
        Lora lora = AdapterTraining.in(folder);
        boolean moments = body.flag("optimizer", false);
        String id = id(body, session);
        open(
                call,
                id,
                () -> {
                    add(id, session, lora, t -> t.load(folder, moments));
                    return loaded(path, id);
                });
    }

    private static TinkerReply loaded(TinkerPath path, String id) {
        return new TinkerReply.Plain(
                Map.of("path", path.toString(), "model_id", id, "type", "load_weights"));
    }

    /// After the sessions.
    @Override
    public void close() {
        shared.close();
    }
}
