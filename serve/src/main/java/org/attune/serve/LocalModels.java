package org.attune.serve;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.feedback.Judgement;
import org.attune.hub.HubDownload;
import org.attune.json.Json;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.score.Heads;
import org.attune.rollout.generation.GenerationLoop;
import org.attune.tensor.Engine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/// A model and its adapters in this process, without a port: what [ModelServer] answers by, and
/// what programs ask.
/// ```
/// var config = ServeConfig.of(ModelConfig.of("SmolLM2-135M-Instruct.Q4_1.gguf"));
/// try (var models = LocalModels.open(config);
///         var answer =
///                 models.chat(
///                         Map.of(
///                                 "messages", List.of(Map.of("role", "user", "content", "Hi")),
///                                 "max_tokens", 64))) {
///     System.out.println(answer.await().text());
/// }
/// ```
/// Thread-safe: answers of all threads are generated side by side. Owns the model.
@Api(EXPERIMENTAL)
public final class LocalModels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LocalModels.class);

    /// Keys of `/v1/chat/completions` that say how an answer is sent.
    private static final Map<String, String> SENDING =
            Map.of(
                    "stream", "every answer is read in pieces or as a whole",
                    "stream_options", "every answer tells its tokens",
                    "return_token_ids", "answers are texts",
                    "return_tokens_as_token_ids", "answers are texts");

    private final Deque<AutoCloseable> parts = new ArrayDeque<>(); // the last one closes first
    private final boolean takesAdapters;
    private final Function<ChatRequest, FormatRequest> formats;
    private ServedModels models;
    private AdapterDesk adapters;
    private Optional<FeedbackDesk> feedback = Optional.empty();
    private Optional<GenerationDesk> desk = Optional.empty();
    private int length;
    private LoadedModel loaded;
    private final ServerMetrics metrics = new ServerMetrics();

    private LocalModels(boolean takesAdapters, Function<ChatRequest, FormatRequest> formats) {
        this.takesAdapters = takesAdapters;
        this.formats = formats;
    }

    /// Opens a model with its adapters, to which others may come. What the configuration says of
    /// port, keys and who may ask is for servers only.
    ///
    /// @throws org.attune.error.AttuneException if a model can't be read, or adapters don't fit
    public static LocalModels open(ServeConfig config) {
        return open(config, true, ChatRequest::format);
    }

    /// Opens a model to which no adapters can come. Where products read packed copies of the
    /// weights it takes half of the memory. An adapter that [ServeConfig#model] names is part of
    /// the model.
    ///
    /// @param config without adapters beside the model
    /// @throws org.attune.error.AttuneException if the model can't be read
    public static LocalModels openAlone(ServeConfig config) {
        if (config.feedback().isPresent()) {
            throw ConfigException.about(
                    "feedback", "brings adapters, and none can come to a model alone; use open");
        }
        if (!config.adapters().isEmpty()) {
            throw ConfigException.about(
                    "adapters",
                    "are %s, and none can come to a model alone; use open"
                            .formatted(config.adapters().keySet()));
        }
        return open(config, false, ChatRequest::format);
    }

    /// Opens a model with its adapters.
    ///
    /// @param takesAdapters whether adapters may be added later; without any the model takes less
    ///     memory
    /// @param formats what answers of chats must look like
    static LocalModels open(
            ServeConfig config,
            boolean takesAdapters,
            Function<ChatRequest, FormatRequest> formats) {
        var opened = new LocalModels(takesAdapters, formats);
        try {
            opened.start(config);
            return opened;
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private void start(ServeConfig config) {
        if (config.maxNumSeqs() < 1) {
            throw ConfigException.about(
                    "max_num_seqs", "is %d; accepted: at least 1".formatted(config.maxNumSeqs()));
        }
        ModelConfig model = config.model().ofAdapterAlone();
        loaded = load(model, takesAdapters);
        parts.push(loaded);
        length = length(config, loaded);
        ServedModel base = ServedModel.base(name(config), loaded);
        models = new ServedModels(base, new Traffic(base.name(), config.splits()), length);
        adapters = new AdapterDesk(models, loaded, model, config.adapterFolder());
        parts.push(adapters);
        config.adapters().forEach(adapters::add);
        requireSides(config.splits().keySet());
        feedback = config.feedback().map(place -> openFeedback(place, config));
        if (models.base().heads().isEmpty()) {
            desk = Optional.of(openDesk(config));
        }
        LOG.info("{} takes prompts and answers of up to {} tokens", name(), length);
    }

    private void requireSides(Set<String> sides) {
        for (String side : sides) {
            if (!models.has(side)) {
                throw ConfigException.about(
                        "split",
                        "%s is no adapter of this model; accepted: %s".formatted(side, names()));
            }
        }
    }

    private FeedbackDesk openFeedback(String place, ServeConfig config) {
        if (models.base().heads().isPresent()) {
            throw ConfigException.about(
                    "feedback",
                    "the model scores and writes no answers, so there are none to keep");
        }
        var opened =
                FeedbackDesk.open(
                        place, models, adapters, config.withModel(config.model().ofAdapterAlone()));
        parts.push(opened);
        return opened;
    }

    private GenerationDesk openDesk(ServeConfig config) {
        int answers = ServingMemory.answers(loaded.decoder(), config.maxNumSeqs(), length);
        var loop =
                GenerationLoop.open(
                        loaded.decoder(), Optional.of(models.base().tokenizer()), answers, length);
        parts.push(loop);
        LOG.info("at most {} answers are generated at once", answers);
        int places = answers + config.maxWaiting();
        return new GenerationDesk(loop, places, length, config.timeout(), metrics);
    }

    private static LoadedModel load(ModelConfig model, boolean takesAdapters) {
        ModelSetup setup = ModelSetup.open(model, HubDownload.cache());
        if (!takesAdapters && !Heads.has(setup)) {
            return LoadedModel.openToGenerate(setup);
        }
        LoadedModel loaded = LoadedModel.openAny(setup);
        if (!Heads.has(setup)) {
            Engine.run(() -> loaded.decoder().packDecoding());
        }
        return loaded;
    }

    private static int length(ServeConfig config, LoadedModel loaded) {
        int trained = loaded.setup().source().config().maxPositionEmbeddings();
        int length = config.maxModelLen().orElse(Math.min(trained, ServeConfig.DEFAULT_LENGTH));
        if (length < 2 || length > trained) {
            throw ConfigException.about(
                    "max_model_len",
                    "is %d; accepted: 2 to %d, for which the model was made"
                            .formatted(length, trained));
        }
        return length;
    }

    private static String name(ServeConfig config) {
        return config.name()
                .orElseGet(
                        () -> {
                            Path last = Path.of(config.model().modelNameOrPath()).getFileName();
                            return last == null ? "model" : last.toString();
                        });
    }

    ServedModels models() {
        return models;
    }

    AdapterDesk adapters() {
        return adapters;
    }

    /// What keeps answers and judgements; empty where nothing does.
    Optional<FeedbackDesk> feedback() {
        return feedback;
    }

    /// What generates; empty where the model writes nothing.
    Optional<GenerationDesk> desk() {
        return desk;
    }

    /// Most tokens of prompt and answer.
    int length() {
        return length;
    }

    LoadedModel loaded() {
        return loaded;
    }

    /// The model for who adds requests of another kind.
    ///
    /// @throws ConfigException if it doesn't write, or an adapter is part of it
    HttpDoor.Served served() {
        if (desk.isEmpty() || loaded.adapted().isPresent()) {
            throw new ConfigException(
                    name()
                            + (desk.isEmpty()
                                    ? " writes nothing"
                                    : " is an adapter on another model; serve that model"));
        }
        return new HttpDoor.Served(
                name(), loaded, models.base().stopIds(), length, desk.get()::submit);
    }

    ServerMetrics metrics() {
        return metrics;
    }

    /// What requests call the model itself.
    public String name() {
        return models.base().name();
    }

    /// What requests may say as `model`: the model itself, then its adapters.
    public List<String> names() {
        return models.all().stream().map(ServedModel::name).toList();
    }

    /// Begins to answer a chat. Where the configuration has a store of feedback, a whole answer is
    /// kept there under its id before its last piece is given out, but not with `store: false`.
    ///
    /// @param request an object as `/v1/chat/completions` takes it: `messages`, and whatever of
    ///     `model`, `tools`, `temperature`, `max_tokens` and so on it needs. An answer is one: ask
    ///     several times instead of `n`
    /// @throws ApiException if it can't be answered
    /// @throws org.attune.error.AttuneException if the chat template doesn't take its messages
    public LocalAnswer chat(Map<String, ?> request) {
        Fields body = body(request);
        if (feedback.isEmpty()) {
            StreamRequest.refuseStore(body);
        }
        List<Runnable> afterwards = new ArrayList<>();
        try {
            ChatRequest chat = ChatRequest.read(body, models, afterwards::add);
            int[] prompt = chat.prompt().ids();
            GenerationDesk generating = desk.orElseThrow(); // else there is no model that writes
            int most = generating.most(prompt, chat.sampling(), OptionalInt.empty());
            metrics.prompt(prompt.length);
            var order =
                    new GenerationDesk.Order(
                            chat.model(),
                            List.of(prompt),
                            chat.sampling(),
                            Math.max(0, chat.top()),
                            true,
                            chat.stream().timeout().orElse(Call.LONG),
                            formats.apply(chat),
                            chat.pictures());
            Optional<AnswerRecord> kept =
                    body.flag("store", true)
                            ? feedback.map(keeper -> keeper.record(chat, body))
                            : Optional.empty();
            return new LocalAnswer(
                    chat,
                    generating.begin(order, new int[] {most}),
                    kept,
                    () -> afterwards.forEach(Runnable::run));
        } catch (RuntimeException | Error e) {
            afterwards.forEach(Runnable::run);
            throw e;
        }
    }

    private static Fields body(Map<String, ?> request) {
        Fields body =
                Fields.of(Json.compact(request)); // numbers of all kinds, and nobody's to change
        for (Map.Entry<String, String> key : SENDING.entrySet()) {
            if (body.has(key.getKey())) {
                throw body.bad(key.getKey(), "isn't for this process: " + key.getValue());
            }
        }
        if (body.integer("n", 1, Integer.MAX_VALUE, 1) > 1) {
            throw body.bad("n", "is more than 1; ask several times, the prompt is read only once");
        }
        return body;
    }

    /// Keeps what a user thinks of answers, all of it or none. What was kept is on the disk.
    ///
    /// @param judgements about answers by their ids ([LocalAnswer#id()])
    /// @throws ApiException if such an answer isn't kept
    /// @throws ConfigException if nothing is kept here
    public void judge(Judgement... judgements) {
        feedback.orElseThrow(
                        () ->
                                ConfigException.about(
                                        "feedback",
                                        "is unset, so no answer is kept that could be judged; see"
                                                + " ServeConfig.withFeedback"))
                .judge(List.of(judgements));
    }

    /// Adds an adapter while answers are generated, or replaces the one of that name: who asks from
    /// now on gets the new one, answers under way keep theirs.
    ///
    /// @param place its folder, or its name on the Hub
    /// @throws org.attune.error.AttuneException if it can't be read or doesn't fit; the one before
    ///     then stays
    public void load(String name, String place) {
        if (!takesAdapters) {
            throw new ConfigException(
                    "%s was opened alone, so %s can't come to it; use LocalModels.open"
                            .formatted(name(), name));
        }
        adapters.put(name, place);
    }

    /// Gives up an adapter; answers under way keep it.
    ///
    /// @throws ApiException if no adapter has the name
    public void unload(String name) {
        models.remove(name);
    }

    /// Ends what is under way, and closes the model.
    @Override
    public void close() {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                LOG.warn("a part of a model didn't close", e);
            }
        }
    }
}
