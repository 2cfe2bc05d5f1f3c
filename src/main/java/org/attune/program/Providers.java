package org.attune.program;

import org.attune.error.ConfigException;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Function;

/// What jars on the class path bring, by `META-INF/services`: kinds of tools, of rewards, of files
/// with rows. They are found by the class loader of their interface, so a jar that stands beside
/// Attune's on the class path is found from every thread.
public final class Providers {
    private Providers() {}

    /// New instances of all that are there.
    ///
    /// @param <T> the interface
    /// @param name by which a run's file names one
    /// @param taken names that none may have
    /// @return by name, in the order of names
    /// @throws ConfigException if one can't be made, or a name is taken or given twice
    public static <T> Map<String, T> all(
            Class<T> type, Function<T, String> name, Collection<String> taken) {
        var all = new TreeMap<String, T>();
        for (T one : found(type, type.getClassLoader())) {
            String called = name.apply(one);
            T other = all.put(called, one);
            if (other != null || taken.contains(called)) {
                throw new ConfigException(
                        "%s has the name \"%s\" (%s), which %s; give it another one or take its jar from the class path"
                                .formatted(
                                        one.getClass().getName(),
                                        called,
                                        type.getSimpleName(),
                                        other == null
                                                ? "is built in"
                                                : other.getClass().getName() + " has too"));
            }
        }
        return all;
    }

    /// New instances of all that a class loader finds, in the order in which it does.
    ///
    /// @param <T> the interface
    /// @param loader null: that of the class path
    /// @throws ConfigException if one can't be made
    public static <T> List<T> found(Class<T> type, ClassLoader loader) {
        try {
            return ServiceLoader.load(type, loader).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();
        } catch (ServiceConfigurationError e) {
            throw new ConfigException(
                    "a jar on the class path names a class that can't be used: " + e.getMessage(),
                    e);
        }
    }
}
