package org.attune.model.config;

import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/// Compares two configurations part by part, numbers as far as float32 has them.
final class SameNumbers {
    /// Parts that files say otherwise, or that change nothing that is computed.
    private static final Set<String> APART =
            Set.of(
                    "modelType",
                    "positions",
                    "maxPositionEmbeddings",
                    "dtype",
                    "special",
                    "dropout",
                    "loss",
                    "windows",
                    "rows",
                    "scalesVectors",
                    "labels",
                    "scoreKind");

    private static final double CLOSE = 2e-6;

    private SameNumbers() {}

    static boolean close(double a, double b) {
        return a == b || Math.abs(a - b) <= CLOSE * Math.max(Math.abs(a), Math.abs(b));
    }

    /// @param path   of the part, for messages
    /// @param others gets what differs
    static void compare(String path, Object a, Object b, List<String> others) {
        if (a instanceof Optional<?> first
                && b instanceof Optional<?> second
                && first.isPresent()
                && second.isPresent()) {
            compare(path, first.get(), second.get(), others);
        } else if (a instanceof Record && b != null && a.getClass() == b.getClass()) {
            for (RecordComponent part : a.getClass().getRecordComponents()) {
                if (!APART.contains(part.getName())) {
                    String own = path.isEmpty() ? part.getName() : path + "." + part.getName();
                    compare(own, value(part, a), value(part, b), others);
                }
            }
        } else if (a instanceof Double first && b instanceof Double second) {
            if (!close(first, second)) {
                others.add("%s is %s, the file says %s".formatted(path, a, b));
            }
        } else if (!Objects.equals(a, b)) {
            others.add("%s is %s, the file says %s".formatted(path, a, b));
        }
    }

    private static Object value(RecordComponent part, Object of) {
        try {
            return part.getAccessor().invoke(of);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(part + " can't be read", e);
        }
    }
}
