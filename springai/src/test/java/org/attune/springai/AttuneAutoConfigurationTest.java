package org.attune.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.feedback.FeedbackStore;
import org.attune.feedback.Judgement;
import org.attune.serve.LocalModels;
import org.attune.serve.ScriptedModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class AttuneAutoConfigurationTest {
    @TempDir static Path folder;

    private static ApplicationContextRunner runner() {
        return new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(AttuneAutoConfiguration.class));
    }

    @Test
    void propertiesOpenAModel() {
        String model = ScriptedModels.config(folder).model().modelNameOrPath();
        runner().withPropertyValues(
                        "spring.ai.attune.model=" + model,
                        "spring.ai.attune.takes-adapters=false",
                        "spring.ai.attune.dtype=float32",
                        "spring.ai.attune.name=sorter",
                        "spring.ai.attune.max-num-seqs=2",
                        "spring.ai.attune.max-model-len=300",
                        "spring.ai.attune.chat.temperature=0",
                        "spring.ai.attune.chat.max-tokens=20",
                        "spring.ai.attune.chat.keys.seed=7")
                .run(
                        context -> {
                            AttuneChatOptions options =
                                    context.getBean(AttuneChatModel.class).getOptions();
                            assertEquals("sorter", options.getModel());
                            assertEquals(Map.of("seed", 7L), options.getKeys());
                            String answer =
                                    ChatClient.create(context.getBean(ChatModel.class))
                                            .prompt("Sort ascending: 3 1 2 4")
                                            .call()
                                            .content();
                            assertFalse(answer.isBlank());
                        });
    }

    @Test
    void answersAreKeptAndJudgedByTheirIds() {
        String model = ScriptedModels.config(folder.resolve("kept")).model().modelNameOrPath();
        String store = folder.resolve("feedback.db").toString();
        runner().withPropertyValues(
                        "spring.ai.attune.model=" + model,
                        "spring.ai.attune.name=sorter",
                        "spring.ai.attune.feedback=" + store,
                        "spring.ai.attune.chat.max-tokens=4")
                .run(
                        context -> {
                            String id =
                                    ChatClient.create(context.getBean(ChatModel.class))
                                            .prompt("Sort ascending: 3 1 2 4")
                                            .call()
                                            .chatResponse()
                                            .getMetadata()
                                            .getId();
                            context.getBean(LocalModels.class)
                                    .judge(Judgement.of(id, new Judgement.Thumb(true)));
                        });
        try (var kept = FeedbackStore.open(store)) {
            assertEquals(1, kept.judged(Optional.of("sorter")).size());
        }
    }

    @Test
    void anApplicationsOwnModelsAreTaken() {
        try (LocalModels models =
                ScriptedModels.open(folder.resolve("own"), c -> c, _ -> List.of("scripted"))) {
            runner().withBean(LocalModels.class, () -> models, b -> b.setDestroyMethodName(""))
                    .run(
                            context ->
                                    assertEquals(
                                            "scripted",
                                            context.getBean(ChatModel.class).call("hello")));
        }
    }

    @Test
    void aMissingModelIsNamed() {
        runner().run(
                        context ->
                                assertTrue(
                                        rootMessage(context.getStartupFailure())
                                                .contains("spring.ai.attune.model")));
    }

    @Test
    void anotherStarterIsLeftAlone() {
        runner().withPropertyValues("spring.ai.model.chat=other")
                .run(context -> assertFalse(context.containsBean("attuneChatModel")));
    }

    private static String rootMessage(Throwable problem) {
        Throwable root = problem;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage();
    }
}
