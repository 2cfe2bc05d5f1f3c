package org.attune.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

import java.util.List;

class ProvidersTest {
    /// What the tests' `META-INF/services` has two of.
    public interface Kind {
        String name();
    }

    public static final class Second implements Kind {
        @Override
        public String name() {
            return "second";
        }
    }

    public static final class First implements Kind {
        @Override
        public String name() {
            return "first";
        }
    }

    /// What the tests' `META-INF/services` has a class of that isn't there.
    public interface Absent {}

    @Test
    void findsThemByName() {
        var all = Providers.all(Kind.class, Kind::name, List.of("third"));
        assertEquals(List.of("first", "second"), List.copyOf(all.keySet()));
        assertTrue(all.get("first") instanceof First);
    }

    @Test
    void refusesNamesThatAreTakenOrGivenTwice() {
        var taken =
                assertThrows(
                        ConfigException.class,
                        () -> Providers.all(Kind.class, Kind::name, List.of("first")));
        assertTrue(
                taken.getMessage()
                        .startsWith(
                                First.class.getName()
                                        + " has the name \"first\" (Kind), which is built in;"),
                taken.getMessage());
        var twice =
                assertThrows(
                        ConfigException.class,
                        () -> Providers.all(Kind.class, _ -> "same", List.of()));
        assertTrue(
                twice.getMessage().contains("which " + Second.class.getName() + " has too"),
                twice.getMessage());
    }

    @Test
    void namesAClassThatIsNotThere() {
        var refused =
                assertThrows(
                        ConfigException.class,
                        () -> Providers.all(Absent.class, Object::toString, List.of()));
        assertTrue(refused.getMessage().contains("com.acme.Missing"), refused.getMessage());
    }
}
