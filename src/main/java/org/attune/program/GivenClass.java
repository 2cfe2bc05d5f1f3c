package org.attune.program;

import org.attune.error.ConfigException;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;

/// A class that a user named.
///
/// @param type of the instances
/// @param where it comes from, for messages
public record GivenClass(Class<?> type, String where) {
    /// A new instance.
    ///
    /// @throws ConfigException if there is no constructor without parameters, or it fails
    public Object make() {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException e) {
            var parameters = new ArrayList<String>();
            for (Constructor<?> constructor : type.getDeclaredConstructors()) {
                parameters.add(constructor.toString());
            }
            throw new ConfigException(
                    "%s: %s needs a constructor without parameters, has %s"
                            .formatted(where, type.getSimpleName(), parameters),
                    e);
        } catch (InvocationTargetException e) {
            throw new ConfigException(
                    "%s: the constructor of %s failed: %s"
                            .formatted(where, type.getSimpleName(), e.getCause()),
                    e.getCause());
        } catch (ReflectiveOperationException | RuntimeException e) {
            throw new ConfigException(
                    "%s: can't instantiate %s: %s".formatted(where, type.getSimpleName(), e), e);
        }
    }
}
