package org.attune.testing;

/// Gives a system property another value for a while.
/// ```
/// try (var _ = SystemProperty.set("attune.device", "simulated")) { … }
/// ```
public final class SystemProperty implements AutoCloseable {
    private final String name;
    private final String before;

    private SystemProperty(String name, String value) {
        this.name = name;
        before = System.setProperty(name, value);
    }

    public static SystemProperty set(String name, String value) {
        return new SystemProperty(name, value);
    }

    @Override
    public void close() {
        if (before == null) {
            System.clearProperty(name);
        } else {
            System.setProperty(name, before);
        }
    }
}
