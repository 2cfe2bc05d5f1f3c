package org.attune.error;

import java.util.ArrayList;
import java.util.List;

/// Checks of what a Java program gives. Null is never a value here.
public final class Argument {
    private Argument() {}

    /// The argument.
    ///
    /// @param name as the method calls it
    /// @throws IllegalArgumentException if it is null
    public static <T> T given(T argument, String name) {
        if (argument == null) {
            throw new IllegalArgumentException(name + " must not be null");
        }
        return argument;
    }

    /// A copy of the list.
    ///
    /// @param name as the method calls it
    /// @throws IllegalArgumentException if it or one of its elements is null
    public static <T> List<T> givenAll(List<T> arguments, String name) {
        List<T> copy = new ArrayList<>(given(arguments, name));
        for (int i = 0; i < copy.size(); i++) {
            given(copy.get(i), name + "[" + i + "]");
        }
        return List.copyOf(copy);
    }
}
