package org.attune.reward.external;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

class JavaRewardsTest {
    private static final String REWARD =
            """
            import module java.base;
            import org.attune.reward.*;

            public class Polite implements RewardFunction {
                record Found(boolean please) {}

                public List<OptionalDouble> score(RewardBatch batch) {
                    return batch.completions().stream()
                            .map(c -> new Found(c.text().contains("please")))
                            .map(found -> OptionalDouble.of(found.please() ? 1 : 0))
                            .toList();
                }
            }
            """;

    @TempDir Path folder;

    private Path write(String name, String source) throws IOException {
        return Files.writeString(folder.resolve(name), source);
    }

    private String problem(String name, String source) throws IOException {
        Path file = write(name, source);
        return assertThrows(ConfigException.class, () -> JavaRewards.fromFile(file)).getMessage();
    }

    @Test
    void fileIsCompiledAndScores() throws IOException {
        RewardFunction reward = JavaRewards.fromFile(write("Polite.java", REWARD));
        assertEquals("Polite", reward.name());
        var batch =
                new RewardBatch(
                        List.of(new Prompt("", List.of())),
                        List.of(new Completion("yes, please", new int[0], List.of())),
                        Map.of());
        assertEquals(List.of(OptionalDouble.of(1)), reward.score(batch));
    }

    @Test
    void fileMayHaveAPackageAndAnotherName() throws IOException {
        RewardFunction reward =
                JavaRewards.fromFile(write("my-reward.java", "package com.acme;\n" + REWARD));
        assertEquals("com.acme.Polite", reward.getClass().getName());
    }

    @Test
    void errorsAreShownWithFileAndLine() throws IOException {
        String broken =
                REWARD.replace("contains(\"please\")", "holds(\"please\")")
                        .replace("found.please() ? 1 : 0", "found.thanks() ? 1 : 0");
        String message = problem("Polite.java", broken);
        assertTrue(message.contains("Polite.java:9: cannot find symbol"), message);
        assertTrue(message.contains("Polite.java:10: cannot find symbol"), message);
        assertTrue(message.contains("holds(java.lang.String)"), message);
    }

    @Test
    void fileWithoutARewardIsRefused() throws IOException {
        assertTrue(
                problem("Plain.java", "class Plain {}").contains("no class that implements"),
                "names the interface");
    }

    @Test
    void constructorProblemsAreTold() throws IOException {
        String withParameter =
                REWARD.replace("record Found", "Polite(int strength) {}\n record Found");
        assertTrue(
                problem("Polite.java", withParameter)
                        .contains("needs a constructor without parameters"));
        String failing =
                REWARD.replace(
                        "record Found",
                        "Polite() { throw new IllegalStateException(\"no key\"); }\n record Found");
        assertTrue(problem("Polite.java", failing).contains("no key"));
    }

    @Test
    void missingFileAndClassAreNamed() {
        Path absent = folder.resolve("Absent.java");
        assertTrue(
                assertThrows(ConfigException.class, () -> JavaRewards.fromFile(absent))
                        .getMessage()
                        .contains("Absent.java"));
        assertTrue(
                assertThrows(ConfigException.class, () -> JavaRewards.fromClass("com.acme.No"))
                        .getMessage()
                        .contains("com.acme.No"));
        assertTrue(
                assertThrows(ConfigException.class, () -> JavaRewards.fromClass("java.lang.String"))
                        .getMessage()
                        .contains("implements org.attune"));
    }

    @Test
    void classOnTheClassPathIsFound() {
        RewardFunction reward = JavaRewards.fromClass(Constant.class.getName());
        assertEquals("Constant", reward.name());
    }

    /// For the test above.
    static final class Constant implements RewardFunction {
        @Override
        public List<OptionalDouble> score(RewardBatch batch) {
            return List.of(OptionalDouble.of(1));
        }
    }
}
