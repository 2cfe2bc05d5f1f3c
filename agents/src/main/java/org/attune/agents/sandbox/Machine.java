package org.attune.agents.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A processor's way to number the calls of Linux. The numbers are in `calls.txt`.
enum Machine {
    X86_64(0xC000003E),
    AARCH64(0xC00000B7);

    private static final String NUMBERS = "calls.txt";

    private final int audit;
    private final Map<String, Integer> numbers = new HashMap<>();

    Machine(int audit) {
        this.audit = audit;
    }

    static {
        try (InputStream in = Machine.class.getResourceAsStream(NUMBERS)) {
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.split(" "))
                    .forEach(
                            part -> {
                                X86_64.add(part[0], part[1]);
                                AARCH64.add(part[0], part[2]);
                            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void add(String call, String number) {
        if (!number.equals("-")) {
            numbers.put(call, Integer.valueOf(number));
        }
    }

    /// The one this process runs on, if it is Linux on a processor whose numbers are known.
    static Optional<Machine> here() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return Optional.empty();
        }
        return switch (System.getProperty("os.arch").toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> Optional.of(X86_64);
            case "aarch64" -> Optional.of(AARCH64);
            default -> Optional.empty();
        };
    }

    /// How a filter of calls recognises it: `AUDIT_ARCH_…` of `linux/audit.h`.
    int audit() {
        return audit;
    }

    /// Numbers of all of the machine's calls, by name.
    Map<String, Integer> numbers() {
        return Map.copyOf(numbers);
    }

    /// Whether the machine has a call of this name.
    boolean has(String call) {
        return numbers.containsKey(call);
    }

    /// The number of a call.
    ///
    /// @throws IllegalArgumentException if it has none of this name
    int number(String call) {
        Integer number = numbers.get(call);
        if (number == null) {
            throw new IllegalArgumentException("%s has no call %s".formatted(this, call));
        }
        return number;
    }
}
