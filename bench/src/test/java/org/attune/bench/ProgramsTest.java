package org.attune.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.List;

class ProgramsTest {
    @Test
    void trainingProcessesLeaveTheirClassesForTheNext() {
        String file = "-XX:SharedArchiveFile=/there/classes.jsa";
        List<String> without = List.of("java", "-Xmn32m", "-cp", "lib/*");
        List<String> with = List.of("java", file, "-Xmn32m", "-cp", "lib/*");
        List<String> expected =
                List.of(
                        "java",
                        file,
                        "-XX:+AutoCreateSharedArchive",
                        "-Xlog:disable",
                        "-Xmn32m",
                        "-cp",
                        "lib/*");
        assertEquals(expected, Programs.toTrain(without, "/there/classes.jsa"));
        assertEquals(expected, Programs.toTrain(with, "/there/classes.jsa"));
        assertEquals(without, Programs.toTrain(without, null));
    }
}
