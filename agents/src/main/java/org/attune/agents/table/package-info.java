/// A tool that answers queries on a small table, in a part of SQL.
package org.attune.agents.table;
