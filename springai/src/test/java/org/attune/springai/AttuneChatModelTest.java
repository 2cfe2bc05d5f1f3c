package org.attune.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;

import org.attune.serve.LocalModels;
import org.attune.serve.RandomModels;
import org.attune.serve.ScriptedModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.ai.retry.NonTransientAiException;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.util.MimeTypeUtils;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// On the embedded model as it is.
class AttuneChatModelTest {
    private static final String QUESTION = "Sort ascending: 3 1 2 4";

    @TempDir static Path folder;
    private static LocalModels models;
    private static AttuneChatModel model;

    @BeforeAll
    static void open() {
        models = LocalModels.open(ScriptedModels.config(folder));
        model =
                AttuneChatModel.of(models)
                        .withOptions(
                                AttuneChatOptions.builder()
                                        .model("tiny")
                                        .temperature(0.0)
                                        .maxTokens(40)
                                        .build());
    }

    @AfterAll
    static void close() {
        models.close();
    }

    enum Order {
        UP,
        DOWN
    }

    record Sorted(Order order, boolean isLong) {}

    /// Tools that a program may have.
    public static final class Scale {
        int calls;

        @Tool(description = "weighs")
        String weigh(boolean twice) {
            calls++;
            return twice ? "2 g" : "1 g";
        }
    }

    @Test
    void aStreamIsTheWholeAnswerInPieces() {
        ChatResponse whole = model.call(new Prompt(QUESTION));
        List<ChatResponse> pieces = model.stream(new Prompt(QUESTION)).collectList().block();
        var text = new StringBuilder();
        pieces.forEach(p -> text.append(p.getResult().getOutput().getText()));
        assertEquals(whole.getResult().getOutput().getText(), text.toString());
        assertTrue(pieces.size() > 3);
        assertEquals("STOP", pieces.getLast().getResult().getMetadata().getFinishReason());
        assertEquals(
                whole.getMetadata().getUsage().getTotalTokens(),
                pieces.getLast().getMetadata().getUsage().getTotalTokens());
        assertTrue(whole.getMetadata().getUsage().getPromptTokens() > 0);
        assertEquals("tiny", whole.getMetadata().getModel());
    }

    @Test
    void optionsOfOtherKindsAreObeyed() {
        ChatResponse cut =
                model.call(new Prompt(QUESTION, ChatOptions.builder().maxTokens(2).build()));
        assertEquals("LENGTH", cut.getResult().getMetadata().getFinishReason());
        assertEquals(2, cut.getMetadata().getUsage().getCompletionTokens());
    }

    @Test
    void anEntityIsHeldToItsSchema() {
        Sorted sorted =
                ChatClient.create(model)
                        .prompt(QUESTION)
                        .options(model.getOptions().mutate().maxTokens(200))
                        .advisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT)
                        .call()
                        .entity(Sorted.class);
        assertTrue(sorted.order() != null, sorted::toString);
    }

    @Test
    void aToolThatMustBeCalledIsCalled() {
        var scale = new Scale();
        var options = model.getOptions().mutate().set("tool_choice", "required").maxTokens(60);
        ChatResponse response =
                ChatClient.create(model)
                        .prompt(QUESTION)
                        .options(options)
                        .advisors(AdvisorParams.toolCallingAdvisorAutoRegister(false))
                        .tools(scale)
                        .call()
                        .chatResponse();
        assertEquals("TOOL_CALLS", response.getResult().getMetadata().getFinishReason());
        assertEquals("weigh", response.getResult().getOutput().getToolCalls().getFirst().name());
        assertEquals(0, scale.calls);
    }

    @Test
    void anAdapterIsAModelAndComesAndGoes() {
        String base = model.call(QUESTION);
        models.load("x", RandomModels.adapter(folder.resolve("x"), 1).toString());
        var options = model.getOptions().mutate().model("x").build();
        ChatResponse answer = model.call(new Prompt(QUESTION, options));
        assertEquals("x", answer.getMetadata().getModel());
        assertFalse(base.equals(answer.getResult().getOutput().getText()));
        models.unload("x");
        assertThrows(
                NonTransientAiException.class, () -> model.call(new Prompt(QUESTION, options)));
        assertEquals(base, model.call(QUESTION));
    }

    @Test
    void whatCantBeObeyedIsRefused() {
        var media =
                UserMessage.builder()
                        .text("what is this?")
                        .media(new Media(MimeTypeUtils.IMAGE_PNG, URI.create("file:a.png")))
                        .build();
        assertThrows(NonTransientAiException.class, () -> model.call(media));
        refused("temperatur", 1);
        refused("max_tokens", 1);
        assertThrows(
                NonTransientAiException.class,
                () ->
                        model.stream(
                                        new Prompt(
                                                QUESTION,
                                                ChatOptions.builder().temperature(9.0).build()))
                                .blockLast());
    }

    private static void refused(String key, Object value) {
        var options = model.getOptions().mutate().set(key, value).build();
        var problem =
                assertThrows(
                        NonTransientAiException.class,
                        () -> model.call(new Prompt(QUESTION, options)));
        assertTrue(problem.getMessage().contains(key), problem.getMessage());
    }

    @Test
    void aCancelledSubscriptionEndsTheAnswer() throws Exception {
        var options = model.getOptions().mutate().maxTokens(3000).set("ignore_eos", true).build();
        List<ChatResponse> some =
                model.stream(new Prompt(QUESTION, options)).take(3).collectList().block();
        assertEquals(3, some.size());
        Map<String, Object> next =
                Map.of("messages", List.of(Map.of("role", "user", "content", QUESTION)));
        try (var answer = models.chat(next)) { // the engine has nothing else to do
            answer.await();
        }
    }

    @Test
    void observationsHaveTheAnswer() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        var areTold = new CountDownLatch(2); // a stream's is told after its last piece
        ObservationRegistry registry = ObservationRegistry.create();
        registry.observationConfig()
                .observationHandler(
                        new ObservationHandler<ChatModelObservationContext>() {
                            @Override
                            public void onStop(ChatModelObservationContext context) {
                                seen.add(context.getResponse().getResult().getOutput().getText());
                                areTold.countDown();
                            }

                            @Override
                            public boolean supportsContext(Observation.Context context) {
                                return context instanceof ChatModelObservationContext;
                            }
                        });
        AttuneChatModel observed =
                model.withObservations(registry, new DefaultChatModelObservationConvention());
        String whole = observed.call(QUESTION);
        observed.stream(new Prompt(QUESTION)).blockLast(Duration.ofSeconds(30));
        assertTrue(areTold.await(30, TimeUnit.SECONDS));
        assertEquals(List.of(whole, whole), seen);
    }
}
