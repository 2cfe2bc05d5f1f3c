package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Kernels need the JVM's optimizing compiler: without it each of their vectors is an object.
class VectorModuleTest {
    @ParameterizedTest
    @CsvSource({
        "-XX:TieredStopAtLevel=1, false",
        "-Xint, false",
        "-XX:TieredStopAtLevel=4, true",
        "-Dattune.vectors=off, false",
    })
    void kernelsAreThereWhereTheyAreCompiled(String option, String there) throws Exception {
        Process program =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx64m",
                                "--add-modules=jdk.incubator.vector",
                                option,
                                "-cp",
                                System.getProperty("java.class.path"),
                                Asked.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String said = new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, program.waitFor(), said);
        assertEquals("kernels: " + there, said.lines().toList().getLast(), said);
    }

    /// Says whether there are kernels.
    static final class Asked {
        private Asked() {}

        static void main() {
            System.out.println("kernels: " + VectorKernels.isAvailable());
        }
    }
}
