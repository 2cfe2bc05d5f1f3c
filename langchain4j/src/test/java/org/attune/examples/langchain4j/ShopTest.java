package org.attune.examples.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.examples.langchain4j.Shop.Order;
import org.attune.serve.LocalModels;
import org.attune.serve.RandomModels;
import org.attune.serve.ScriptedModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class ShopTest {
    private static List<String> answer(String prompt) {
        if (prompt.contains("tool_response")) {
            return List.of(prompt.contains("3") ? "We have 3 lamps." : "There are none.");
        }
        return List.of(
                prompt.contains("two lamps")
                        ? "{\"item\":\"lamps\",\"count\":2}"
                        : prompt.contains("Who are you") ? "The shop." : call());
    }

    private static String call() {
        return ScriptedModels.call("stock", Map.of("item", "lamps"));
    }

    @Test
    void theExampleRuns(@TempDir Path folder) {
        try (LocalModels models =
                ScriptedModels.open(folder.resolve("model"), c -> c, ShopTest::answer)) {
            var shop = new Shop(models);
            assertEquals("We have 3 lamps.", shop.sell("Do you have lamps?"));
            assertEquals(new Order("lamps", 2), shop.order("Please send me two lamps."));
            List<String> pieces = shop.pieces("Who are you?");
            assertEquals("The shop.", String.join("", pieces));
            assertTrue(pieces.size() > 1, pieces::toString);
            String adapter = RandomModels.adapter(folder.resolve("adapter"), 1).toString();
            assertEquals("The shop.", shop.adapted(adapter, "Who are you?"));
            assertEquals(List.of("tiny", "manners"), models.names());
        }
    }
}
