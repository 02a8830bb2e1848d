-- Every object of the extension says what it is for: \dx+, \df+ and \d+ show it to the user.
-- Left out are the array and row types, which have no comment of their own.
SELECT pg_catalog.pg_describe_object(member.classid, member.objid, member.objsubid) AS without_comment
  FROM pg_catalog.pg_depend AS member
  JOIN pg_catalog.pg_extension AS extension
    ON member.refclassid = 'pg_catalog.pg_extension'::regclass AND member.refobjid = extension.oid
 WHERE extension.extname = 'sutra'
   AND member.deptype = 'e'
   AND pg_catalog.obj_description(member.objid, member.classid::regclass::name) IS NULL
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS type
                    WHERE member.classid = 'pg_catalog.pg_type'::regclass AND type.oid = member.objid
                      AND (type.typelem <> 0 OR type.typrelid <> 0))
 ORDER BY 1;

-- There is something to say it of.
SELECT count(*) > 100 AS has_members
  FROM pg_catalog.pg_depend
 WHERE refclassid = 'pg_catalog.pg_extension'::regclass
   AND refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'sutra')
   AND deptype = 'e';
