/// Programs that use the library. Read [DpoInJava]; `./attune example NAME` runs one.
package org.attune.examples;
