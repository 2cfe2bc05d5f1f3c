package org.attune.tensor.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The kernels for GPUs, `attune.cu`, and what each takes.
///
/// @param text CUDA C++
/// @param signatures of its kernels by name, in their order
public record KernelSource(String text, Map<String, Signature> signatures) {
    private static final Pattern KERNEL =
            Pattern.compile("__global__ void (attune_\\w+)\\(([^)]*)\\)");
    private static final KernelSource ATTUNE = of(read());

    /// A kernel's parameters.
    ///
    /// @param name the function's
    /// @param parameters in their order
    public record Signature(String name, List<Parameter> parameters) {}

    /// @param name as in the source
    /// @param kind what is passed
    /// @param element type of the numbers that a pointer points to; empty of a number
    public record Parameter(String name, Kind kind, Optional<Element> element) {}

    /// What a parameter is.
    public enum Kind {
        POINTER,
        INT,
        LONG,
        FLOAT
    }

    /// Numbers in a device's memory.
    public enum Element {
        BFLOAT16,
        FLOAT32,
        FLOAT64,
        INT32,
        INT64
    }

    /// Attune's own.
    public static KernelSource attune() {
        return ATTUNE;
    }

    /// @param text that has kernels whose names begin with `attune_`
    /// @throws IllegalArgumentException if a parameter's type isn't known
    static KernelSource of(String text) {
        Map<String, Signature> signatures = new LinkedHashMap<>();
        for (Matcher kernel = KERNEL.matcher(text); kernel.find(); ) {
            List<Parameter> parameters = new ArrayList<>();
            for (String parameter : kernel.group(2).split(",")) {
                parameters.add(parameter(parameter.strip()));
            }
            signatures.put(kernel.group(1), new Signature(kernel.group(1), parameters));
        }
        return new KernelSource(text, signatures);
    }

    private static Parameter parameter(String declared) {
        int space = declared.lastIndexOf(' ');
        String type = declared.substring(0, space).replace("const ", "");
        String name = declared.substring(space + 1);
        return type.endsWith("*")
                ? new Parameter(name, Kind.POINTER, Optional.of(element(type)))
                : new Parameter(name, kind(type), Optional.empty());
    }

    private static Kind kind(String type) {
        return switch (type) {
            case "int" -> Kind.INT;
            case "long", "u64" -> Kind.LONG;
            case "float" -> Kind.FLOAT;
            default -> throw unknown(type);
        };
    }

    private static Element element(String type) {
        return switch (type) {
            case "bf16*" -> Element.BFLOAT16;
            case "float*" -> Element.FLOAT32;
            case "double*" -> Element.FLOAT64;
            case "int*" -> Element.INT32;
            case "long*" -> Element.INT64;
            default -> throw unknown(type);
        };
    }

    private static IllegalArgumentException unknown(String type) {
        return new IllegalArgumentException("a kernel's parameter is of unknown type " + type);
    }

    /// The signature of a kernel.
    ///
    /// @throws IllegalArgumentException if there is no such kernel
    public Signature signature(String name) {
        Signature signature = signatures.get(name);
        if (signature == null) {
            throw new IllegalArgumentException(
                    "attune.cu has no kernel %s; it has %s".formatted(name, signatures.keySet()));
        }
        return signature;
    }

    private static String read() {
        try (InputStream file = KernelSource.class.getResourceAsStream("attune.cu")) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
