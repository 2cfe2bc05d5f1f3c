package org.attune.springai;

import org.attune.serve.LocalModels;
import org.attune.serve.ScriptedModels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.test.chat.client.advisor.AbstractToolCallingAdvisorIT;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// What Spring AI asks of models that call tools. Its tests are nested in classes, which a chosen
/// list of tests passes over: [ToolCallingKitTest] runs them.
final class ToolCallingKit extends AbstractToolCallingAdvisorIT {
    private static LocalModels models;

    @BeforeAll
    static void open(@TempDir Path folder) {
        models = ScriptedModels.open(folder, c -> c, ToolCallingKit::answer);
    }

    @AfterAll
    static void close() {
        models.close();
    }

    private static List<String> answer(String prompt) {
        if (prompt.contains("tool_response")) {
            return List.of("It has 30, 10 and 15 degrees.");
        }
        return List.of(
                prompt.contains("Paris")
                        ? call("San Francisco") + "\n" + call("Tokyo") + "\n" + call("Paris")
                        : call("Tokyo"));
    }

    private static String call(String city) {
        return ScriptedModels.call(
                "getCurrentWeather", Map.of("location", city, "lat", 0, "lon", 0, "unit", "C"));
    }

    @Override
    protected ChatModel getChatModel() {
        return AttuneChatModel.of(models);
    }
}
