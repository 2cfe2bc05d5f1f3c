package org.attune.springai;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;

import org.attune.api.Api;
import org.attune.error.AttuneException;
import org.attune.serve.LocalAnswer;
import org.attune.serve.LocalModels;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;

import reactor.core.publisher.Flux;

import java.util.Map;

/// A model of this process as Spring AI's [ChatModel].
/// ```
/// ChatClient client = ChatClient.create(AttuneChatModel.of(models));
/// client.prompt("Sort ascending: 3 1 2").call().content();
/// ```
/// Tools are called by `ChatClient`, as with every model of Spring AI. Immutable and thread-safe.
@Api(EXPERIMENTAL)
public final class AttuneChatModel implements ChatModel {
    private static final ChatModelObservationConvention CONVENTION =
            new DefaultChatModelObservationConvention();

    private final LocalModels models;
    private final AttuneChatOptions options;
    private final ObservationRegistry observations;
    private final ChatModelObservationConvention convention;

    private AttuneChatModel(
            LocalModels models,
            AttuneChatOptions options,
            ObservationRegistry observations,
            ChatModelObservationConvention convention) {
        this.models = models;
        this.options = options;
        this.observations = observations;
        this.convention = convention;
    }

    /// A model with nothing preset, which nobody observes.
    ///
    /// @param models borrowed
    public static AttuneChatModel of(LocalModels models) {
        var options = AttuneChatOptions.builder().model(models.name()).build();
        return new AttuneChatModel(models, options, ObservationRegistry.NOOP, CONVENTION);
    }

    /// Presets options of prompts that bring none.
    public AttuneChatModel withOptions(AttuneChatOptions preset) {
        return new AttuneChatModel(models, preset, observations, convention);
    }

    /// Tells a registry of each answer: metrics, traces.
    public AttuneChatModel withObservations(
            ObservationRegistry registry, ChatModelObservationConvention names) {
        return new AttuneChatModel(models, options, registry, names);
    }

    @Override
    public AttuneChatOptions getOptions() {
        return options;
    }

    /// Answers a prompt.
    ///
    /// @throws org.springframework.ai.retry.NonTransientAiException if it can't be answered
    /// @throws org.springframework.ai.retry.TransientAiException if it could be at another time
    @Override
    public ChatResponse call(Prompt prompt) {
        Prompt whole = whole(prompt);
        Map<String, Object> keys = PromptKeys.of(whole);
        ChatModelObservationContext context = context(whole, false);
        return observation(context)
                .observe(
                        () -> {
                            try (LocalAnswer answer = models.chat(keys)) {
                                ChatResponse response = Responses.whole(answer.await());
                                context.setResponse(response);
                                return response;
                            } catch (AttuneException e) {
                                throw Problems.of(e);
                            }
                        });
    }

    /// Answers a prompt in pieces, on a virtual thread for each subscriber; the last piece has
    /// calls of tools, usage, and why it ended. To cancel the subscription ends the answer.
    @Override
    public Flux<ChatResponse> stream(Prompt prompt) {
        Prompt whole = whole(prompt);
        return Flux.deferContextual(
                view -> {
                    Map<String, Object> keys = PromptKeys.of(whole);
                    ChatModelObservationContext context = context(whole, true);
                    Observation observation = observation(context);
                    observation.parentObservation(
                            view.getOrDefault(ObservationThreadLocalAccessor.KEY, null));
                    observation.start();
                    Flux<ChatResponse> pieces =
                            Flux.<ChatResponse>create(
                                            sink ->
                                                    new StreamRelay(sink)
                                                            .start(() -> models.chat(keys)))
                                    .doOnError(observation::error)
                                    .doFinally(_ -> observation.stop())
                                    .contextWrite(
                                            c ->
                                                    c.put(
                                                            ObservationThreadLocalAccessor.KEY,
                                                            observation));
                    return new MessageAggregator().aggregate(pieces, context::setResponse);
                });
    }

    /// The prompt with what it doesn't say: options of other kinds than Attune's are laid over
    /// those that are preset.
    private Prompt whole(Prompt prompt) {
        ChatOptions own = prompt.getOptions();
        if (own instanceof AttuneChatOptions) {
            return prompt;
        }
        AttuneChatOptions.Builder all = options.mutate();
        if (own != null) {
            all.combineWith(own.mutate());
            PromptKeys.outputSchema(own).ifPresent(all::outputSchema);
        }
        return prompt.mutate().chatOptions(all.build()).build();
    }

    private static ChatModelObservationContext context(Prompt prompt, boolean isStream) {
        return ChatModelObservationContext.builder()
                .prompt(prompt)
                .provider("attune")
                .streaming(isStream)
                .build();
    }

    private Observation observation(ChatModelObservationContext context) {
        return ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(
                convention, CONVENTION, () -> context, observations);
    }
}
