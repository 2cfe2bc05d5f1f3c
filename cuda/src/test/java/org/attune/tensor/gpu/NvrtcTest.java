package org.attune.tensor.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.tensor.kernel.KernelSource;
import org.attune.tensor.library.LibtorchSearch;
import org.attune.tensor.vector.KeptNumbers.Mix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// The kernels for GPUs compile, where the libtorch of the tests has CUDA's compiler beside it.
class NvrtcTest {
    private static final Pattern KERNEL = Pattern.compile("__global__ void (attune_\\w+)\\(");
    private static final Pattern SPILLS = Pattern.compile("(\\d+) bytes spill");
    private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");

    private static String source() {
        return KernelSource.attune().text();
    }

    private static List<Integer> numbers(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(r -> Integer.parseInt(r.group(1))).toList();
    }

    /// Else a GPU would drop other numbers than a processor.
    @Test
    void dropoutMixesAsTheHostDoes() {
        String source = source();
        List<String> lines =
                List.of(
                        "z = (n ^ n >> %d) * 0x%Xull;".formatted(Mix.FIRST, Mix.TIMES),
                        "z = (z ^ z >> %d) * 0x%Xull;".formatted(Mix.SECOND, Mix.TIMES_AGAIN),
                        "return z ^ z >> %d;".formatted(Mix.THIRD),
                        "step = 0x%Xull;".formatted(Mix.STEP));
        lines.forEach(line -> assertTrue(source.contains(line), line));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sm_80", "sm_90", "sm_100"})
    void kernelsCompileWithoutSpills(String architecture) {
        Optional<Nvrtc> compiler =
                LibtorchSearch.ofProcess().find().flatMap(found -> Nvrtc.beside(found.folder()));
        assumeTrue(compiler.isPresent(), "no NVRTC beside libtorch; name one by ATTUNE_LIBTORCH");
        String source = source();
        List<String> kernels = KERNEL.matcher(source).results().map(r -> r.group(1)).toList();
        Nvrtc.Compiled compiled = compiler.get().compile(source, architecture);
        String code = new String(compiled.code(), StandardCharsets.ISO_8859_1);
        assertEquals("\u007fELF", code.substring(0, 4));
        for (String kernel : kernels) {
            assertTrue(code.contains(kernel), kernel);
        }
        List<Integer> registers = numbers(REGISTERS, compiled.log());
        System.out.printf("%s: %d bytes, registers %s%n", architecture, code.length(), registers);
        assertEquals(kernels.size(), registers.size(), compiled.log());
        assertTrue(registers.stream().allMatch(r -> r <= 64), compiled.log());
        List<Integer> spills = numbers(SPILLS, compiled.log());
        assertEquals(2 * kernels.size(), spills.size(), compiled.log());
        assertTrue(spills.stream().allMatch(bytes -> bytes == 0), compiled.log());
    }
}
