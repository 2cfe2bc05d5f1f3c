package org.attune.models;

import static org.attune.api.Api.Status.EXPERIMENTAL;
import static org.attune.error.Argument.given;
import static org.attune.error.Argument.givenAll;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.images.Picture;
import org.attune.rollout.generation.ChatSession;
import org.attune.rollout.generation.TextCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/// A conversation with a model, with its adapter or without.
/// ```
/// try (var chat = Chat.open("SmolLM2-135M-Instruct.Q4_1.gguf", "out")) {
///     System.out.println(chat.say("Which numbers are even?"));
///     System.out.println(chat.say("And which are odd?"));
/// }
/// ```
/// May be used from any thread, virtual ones too. One answer is generated at a time: other callers
/// wait for it, and also for a run that trains in this process. Owns the model.
@Api(EXPERIMENTAL)
public final class Chat implements AutoCloseable {
    /// Most tokens of a conversation unless said otherwise.
    public static final int DEFAULT_CONTEXT = 4096;

    private final LoadedModel model;
    private final ChatSession session;
    private final SamplingConfig sampling;

    // Both belong to the engine thread.
    private boolean busy;
    private boolean closed;

    private Chat(LoadedModel model, ChatSession session, SamplingConfig sampling) {
        this.model = model;
        this.session = session;
        this.sampling = sampling;
    }

    /// Opens a model.
    ///
    /// @param model folder in Hugging Face layout, GGUF file, or name on the Hub
    /// @throws org.attune.error.AttuneException if it can't be read, or has no chat template
    public static Chat open(String model) {
        return open(ModelConfig.of(model), GenerationOptions.defaults());
    }

    /// Opens a model with an adapter.
    ///
    /// @param adapter PEFT folder, such as a run's `output_dir`, or name on the Hub
    /// @throws org.attune.error.AttuneException as above, or if they don't fit together
    public static Chat open(String model, String adapter) {
        return open(
                ModelConfig.of(model).withAdapterNameOrPath(given(adapter, "adapter")),
                GenerationOptions.defaults());
    }

    /// Opens a model, and says how it generates.
    public static Chat open(ModelConfig model, GenerationOptions options) {
        return open(model, options, List.of(), DEFAULT_CONTEXT);
    }

    /// Opens a model for conversations that all begin with the same messages.
    ///
    /// @param opening first messages, a system message for instance; may be empty
    /// @param context most tokens of a conversation, ≥ 1; a model that was made for fewer has fewer
    public static Chat open(
            ModelConfig model, GenerationOptions options, List<Message> opening, int context) {
        given(model, "model");
        given(options, "options");
        List<Message> first = givenAll(opening, "opening");
        if (context < 1) {
            throw new ConfigException("context is " + context + "; accepted: at least 1 token");
        }
        return Engine.call(
                () -> {
                    var loaded = LoadedModel.openToGenerate(model);
                    try {
                        SamplingConfig sampling = options.of(loaded.setup());
                        return new Chat(loaded, session(loaded, first, context), sampling);
                    } catch (RuntimeException | Error e) {
                        loaded.close();
                        throw e;
                    }
                });
    }

    private static ChatSession session(LoadedModel model, List<Message> opening, int context) {
        TextAssets text = model.setup().text();
        if (text.template().isEmpty()) {
            throw new ConfigException(
                    "%s has no chat template, so there is no conversation with it; name one with chatTemplatePath (--chat-template), or complete plain text with LoadedModel.completer() (attune generate --raw)"
                            .formatted(model.setup().source().path()));
        }
        int trained = model.setup().source().config().maxPositionEmbeddings();
        return new ChatSession(model.completer(), text.chat(), opening, Math.min(context, trained));
    }

    /// Says something and gives the answer; both become part of the conversation. If that fails,
    /// the conversation stays as it was.
    ///
    /// @throws org.attune.error.RolloutException if the conversation no longer fits
    /// @throws org.attune.error.DatasetException if the template refuses the messages
    /// @throws IllegalStateException if it is closed
    public String say(String text) {
        return say(text, _ -> {});
    }

    /// Says something, and gives the answer in pieces on its way and then whole.
    ///
    /// @param receiver gets them on the engine thread, so it must not wait for anything that needs
    ///     the engine
    public String say(String text, Consumer<String> receiver) {
        return answer(text, sampling, receiver).text();
    }

    /// Shows pictures and says something; all of it becomes part of the conversation.
    ///
    /// @param pictures that stand before the text: [Picture#at] or [Picture#passing]
    /// @throws org.attune.error.DatasetException if the model sees none, or one can't be read
    public String show(List<Picture> pictures, String text) {
        Message message =
                Conversation.message("user", givenAll(pictures, "pictures"), given(text, "text"));
        return alone(() -> session.say(message, sampling, _ -> {}, () -> true)).text();
    }

    /// Says something with other options for this answer; the result also says why the answer
    /// ended.
    public TextCompletion answer(String text, GenerationOptions other, Consumer<String> receiver) {
        return answer(text, given(other, "options").of(model.setup()), receiver);
    }

    private TextCompletion answer(String text, SamplingConfig config, Consumer<String> receiver) {
        given(text, "text");
        given(receiver, "receiver");
        return alone(() -> session.say(text, config, receiver));
    }

    /// How answers are generated unless said otherwise.
    public SamplingConfig sampling() {
        return sampling;
    }

    /// All turns so far.
    public List<Message> messages() {
        return alone(session::messages);
    }

    /// Starts a new conversation with the same opening.
    public void reset() {
        alone(
                () -> {
                    session.reset();
                    return null;
                });
    }

    /// The model; borrowed.
    public LoadedModel model() {
        return model;
    }

    /// The conversation by itself, which one thread at a time may use; borrowed.
    public ChatSession session() {
        return session;
    }

    /// The engine thread does one thing after the other; only a receiver of pieces can be in the
    /// middle of an answer.
    private <T> T alone(Callable<T> work) {
        return Engine.call(
                () -> {
                    requireNoAnswer();
                    if (closed) {
                        throw new IllegalStateException("the conversation is closed");
                    }
                    busy = true;
                    try {
                        return work.call();
                    } finally {
                        busy = false;
                    }
                });
    }

    private void requireNoAnswer() {
        if (busy) {
            throw new IllegalStateException(
                    "an answer is being generated; what receives its pieces can't use the"
                            + " conversation");
        }
    }

    /// Frees the model, once an answer that is being generated has ended. Calling it again does
    /// nothing.
    @Override
    public void close() {
        Engine.run(
                () -> {
                    requireNoAnswer();
                    if (!closed) {
                        closed = true;
                        session.close();
                        model.close();
                    }
                });
    }
}
