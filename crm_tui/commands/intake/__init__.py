"""How the rows of an imported table become people, products, customers, deals and leads, in sets."""
