package org.attune.serve;

import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.images.Picture;
import org.attune.model.layer.Adapter;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.score.Heads;
import org.attune.policy.FrozenAdapter;
import org.attune.rollout.generation.TextCompleter;
import org.attune.tensor.Engine;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;
import org.attune.text.parse.ToolProtocol;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A name that requests may ask for: the base model, or an adapter on its weights. An adapter may
/// bring its own tokenizer and chat template. Owns its adapter, and its setup unless it is the
/// base's.
final class ServedModel implements AutoCloseable {
    private final String name;
    private final Optional<String> parent;
    private final Adapter adapter;
    private final ModelSetup setup;
    private final Optional<Heads> heads;
    private final Runnable freed; // on the engine thread
    private final ToolProtocol protocol;
    private final Optional<ChatTokenizer> chat;
    private final Optional<PictureCheck> pictures;
    private final Set<Integer> stopIds;
    private int holders; // requests that use it
    private boolean isClosed;

    private ServedModel(
            String name,
            Optional<String> parent,
            Adapter adapter,
            ModelSetup setup,
            Optional<Heads> heads,
            Runnable freed) {
        this.name = name;
        this.parent = parent;
        this.adapter = adapter;
        this.setup = setup;
        this.heads = heads;
        this.freed = freed;
        TextAssets text = setup.bareText();
        protocol = setup.toolProtocol(false);
        chat = text.template().map(this::chat);
        pictures = text.images().map(PictureCheck::new);
        stopIds = TextCompleter.stopIds(setup.source(), text.tokenizer());
    }

    private ChatTokenizer chat(ChatTemplate template) {
        return setup.bareText().chat(protocol.over(template)).sanitizingAnswers();
    }

    /// The model itself.
    ///
    /// @param loaded borrowed
    static ServedModel base(String name, LoadedModel loaded) {
        Optional<Heads> heads =
                Heads.has(loaded.setup()) ? Optional.of(Heads.of(loaded)) : Optional.empty();
        return new ServedModel(
                name, Optional.empty(), loaded.adapterInUse(), loaded.setup(), heads, () -> {});
    }

    /// An adapter on the weights of a model: it writes, scores, classifies or embeds.
    ///
    /// @param loaded borrowed
    /// @param config of the model with the adapter
    /// @param number tells it apart from other adapters
    /// @throws org.attune.error.AttuneException if it can't be read, or doesn't fit
    static ServedModel onBase(
            String name, ModelConfig config, LoadedModel loaded, ServedModel base, int number) {
        ModelSetup setup = ModelSetup.open(config, HubDownload.cache());
        try {
            return Heads.has(setup)
                    ? judging(name, setup, loaded, base, number)
                    : writing(name, setup, loaded, base, number);
        } catch (RuntimeException | Error e) {
            setup.close();
            throw e;
        }
    }

    private static ServedModel judging(
            String name, ModelSetup setup, LoadedModel loaded, ServedModel base, int number) {
        Heads heads = Heads.on(loaded, setup, number);
        return new ServedModel(
                name,
                Optional.of(base.name()),
                Adapter.OFF,
                setup,
                Optional.of(heads),
                () -> {
                    Engine.run(heads.freed());
                    Engine.run(setup::close);
                });
    }

    private static ServedModel writing(
            String name, ModelSetup setup, LoadedModel loaded, ServedModel base, int number) {
        // Not as one task of the engine: answers under way get their tokens meanwhile.
        FrozenAdapter attached =
                FrozenAdapter.attach(loaded.decoder(), setup.adapter().orElseThrow(), number);
        attached.prepare();
        return new ServedModel(
                name,
                Optional.of(base.name()),
                attached.name(),
                setup,
                Optional.empty(),
                () -> {
                    attached.close();
                    Engine.run(setup::close);
                });
    }

    String name() {
        return name;
    }

    /// The name of the base model of an adapter.
    Optional<String> parent() {
        return parent;
    }

    /// Which of the decoder's adapters applies.
    Adapter adapter() {
        return adapter;
    }

    /// What it answers beside texts; empty where it writes.
    Optional<Heads> heads() {
        return heads;
    }

    ModelSetup setup() {
        return setup;
    }

    Tokenizer tokenizer() {
        return setup.bareText().tokenizer();
    }

    /// How the model is told of tools, and how its turns are read.
    ToolProtocol protocol() {
        return protocol;
    }

    /// Tokens that end an answer.
    Set<Integer> stopIds() {
        return stopIds;
    }

    /// Renders and encodes conversations; what a message says and the template doesn't show is an
    /// error.
    ///
    /// @throws ConfigException if the model has no chat template
    ChatTokenizer chat() {
        return chat.orElseThrow(
                () ->
                        new ConfigException(
                                name
                                        + " has no chat template; complete texts by"
                                        + " /v1/completions, or start with --chat-template"));
    }

    boolean seesPictures() {
        return pictures.isPresent();
    }

    /// Looks at the pictures of a request.
    ///
    /// @throws ApiException if it sees none, or one of them can't be read
    void require(List<Picture> given) throws ApiException {
        if (given.isEmpty()) {
            return;
        }
        pictures.orElseThrow(
                        () -> ApiException.bad("messages", name + " sees no pictures; send text"))
                .require(given);
    }

    /// The tokens of a prompt as its tokenizer knows them.
    ///
    /// @param ids with rows of pictures, if there are some
    int[] named(int[] ids) {
        return pictures.map(p -> p.named(ids, tokenizer())).orElse(ids);
    }

    /// Keeps it open for a request.
    ///
    /// @return not if it was closed
    synchronized boolean hold() {
        if (isClosed) {
            return false;
        }
        holders++;
        return true;
    }

    /// A request needs it no more.
    synchronized void release() {
        holders--;
        freeIfUnused();
    }

    /// Gives it up; what it has is freed once no request uses it.
    @Override
    public synchronized void close() {
        if (!isClosed) {
            isClosed = true;
            freeIfUnused();
        }
    }

    private void freeIfUnused() {
        if (isClosed && holders == 0) {
            freed.run();
        }
    }
}
