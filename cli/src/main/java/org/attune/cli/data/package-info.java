/// `attune data`: looks at files of rows, rewrites them, removes duplicates, divides them.
package org.attune.cli.data;
