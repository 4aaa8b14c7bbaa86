"""How thoroughly the code is checked: branches that tests reach, changes that tests notice."""
